import { findValue, requiredPositional, requiredValue, UsageError, type Command } from '../command.js';
import { renderTable } from '../table.js';

interface Account {
  balance_usd: string;
  held_usd: string;
  available_usd: string;
  leased_usd: string;
}

export const credits: Command = {
  name: 'credits',
  summary: 'grant credit to an organization',
  usage: ['og credits --organization ID --amount USD --reason TEXT [--expires-at TIME] [--priority N] [--idempotency-key KEY]'],
  examples: ['og credits --organization default --amount 25.00 --reason "invoice 2026-11"'],
  options: {
    organization: { type: 'string', value: 'ID', describe: 'who gets it' },
    amount: { type: 'string', value: 'USD', describe: 'a decimal such as 25.00' },
    reason: { type: 'string', value: 'TEXT', describe: 'why; stands in the ledger' },
    'expires-at': { type: 'string', value: 'TIME', describe: 'ISO 8601; what is left then is gone' },
    priority: { type: 'string', value: 'N', describe: 'lower is spent first (default 100)' },
    'idempotency-key': { type: 'string', value: 'KEY', describe: 'the same key grants once, however often it is sent' },
  },
  async run(context) {
    const grant = await context.client.send('POST', 'credits', {
      organization_id: requiredValue(context, 'organization'),
      amount_usd: requiredValue(context, 'amount'),
      reason: requiredValue(context, 'reason'),
      expires_at: findValue(context, 'expires-at'),
      priority: readPriority(findValue(context, 'priority')),
      idempotency_key: findValue(context, 'idempotency-key'),
    });
    context.print(
      context.json
        ? JSON.stringify(grant, null, 2)
        : `granted ${String(grant['amount_usd'])} USD to ${String(grant['organization_id'])} as ${String(grant['id'])}`,
    );
    return 0;
  },
};

function readPriority(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,7}$/.test(text)) throw new UsageError('--priority must be a whole number');
  return Number(text);
}

export const accounts: Command = {
  name: 'accounts',
  summary: "show an organization's balance",
  usage: ['og accounts ORGANIZATION'],
  examples: ['og accounts default'],
  options: {},
  async run(context) {
    const account = await context.client.get<Account>(`accounts/${encodeURIComponent(requiredPositional(context, 0, 'the id of the organization'))}`);
    const row = [account.balance_usd, account.held_usd, account.available_usd, account.leased_usd];
    context.print(context.json ? JSON.stringify(account, null, 2) : renderTable(['BALANCE', 'HELD', 'AVAILABLE', 'LEASED'], [row]));
    return 0;
  },
};
