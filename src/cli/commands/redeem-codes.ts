import { UsageError, findValue, requiredPositional, requiredValue, type Command, type CommandContext } from '../command.js';
import { cell, renderTable } from '../table.js';

interface Batch {
  batch_id: string;
  status: string;
  count: number;
  generated: number;
  uses: number;
  amount_usd: string;
  codes?: string[] | null;
  [field: string]: unknown;
}

const ONCE = 'The codes are shown this once; keep them safe.';

export const redeemCodesCreate: Command = {
  name: 'redeem-codes create',
  summary: 'create codes that give credit; they are shown this once',
  usage: [
    'og redeem-codes create --count N --amount USD [--max-uses N] [--expires-at TIME] [--credit-expires-at TIME] [--note TEXT] [--organizations ID,…]',
  ],
  examples: ['og redeem-codes create --count 10 --amount 25.00', 'og redeem-codes create --count 50000 --amount 5 --expires-at 2027-01-01T00:00:00Z'],
  options: {
    count: { type: 'string', value: 'N', describe: 'how many; more than 1,000 are made by a job' },
    amount: { type: 'string', value: 'USD', describe: 'what each use gives, a decimal such as 25.00' },
    'max-uses': { type: 'string', value: 'N', describe: 'organizations that may redeem each code (default 1)' },
    'expires-at': { type: 'string', value: 'TIME', describe: 'ISO 8601; until when codes can be redeemed' },
    'credit-expires-at': { type: 'string', value: 'TIME', describe: 'ISO 8601; until when their credit can be spent' },
    note: { type: 'string', value: 'TEXT', describe: 'what they are for' },
    organizations: { type: 'string', value: 'ID,…', describe: 'the only organizations that may redeem' },
  },
  async run(context) {
    const batch = await context.client.send<Batch>('POST', 'redeem-codes', {
      count: readCount('count', requiredValue(context, 'count')),
      amount_usd: requiredValue(context, 'amount'),
      max_uses: readCount('max-uses', findValue(context, 'max-uses')),
      expires_at: findValue(context, 'expires-at'),
      credit_expires_at: findValue(context, 'credit-expires-at'),
      note: findValue(context, 'note'),
      organization_ids: findValue(context, 'organizations')?.split(','),
    });
    context.print(context.json ? JSON.stringify(batch, null, 2) : createdWords(batch));
    return 0;
  },
};

export const redeemCodesList: Command = {
  name: 'redeem-codes list',
  summary: 'list batches of codes, or one batch with who redeemed',
  usage: ['og redeem-codes list [BATCH] [--limit N] [--cursor CURSOR]'],
  examples: ['og redeem-codes list', 'og redeem-codes list rcb_01'],
  options: {
    limit: { type: 'string', value: 'N', describe: 'rows of a page (default 50)' },
    cursor: { type: 'string', value: 'CURSOR', describe: 'next_cursor of the page before' },
  },
  async run(context) {
    const query = { limit: findValue(context, 'limit'), cursor: findValue(context, 'cursor') };
    const id = context.positionals[0];
    if (id !== undefined) {
      const batch = await context.client.get<Batch>(pathOf(id), query);
      context.print(context.json ? JSON.stringify(batch, null, 2) : renderBatch(batch));
      return 0;
    }
    const list = await context.client.get<{ data: Batch[]; next_cursor: string | null }>('redeem-codes', query);
    const rows = list.data.map((batch) => rowOf(batch));
    context.print(context.json ? JSON.stringify(list, null, 2) : renderTable(HEADINGS, rows) + (list.next_cursor === null ? '' : `\nmore: --cursor ${list.next_cursor}`));
    return 0;
  },
};

export const redeemCodesDeliver: Command = {
  name: 'redeem-codes deliver',
  summary: 'fetch the codes of a large batch, which works once',
  usage: ['og redeem-codes deliver BATCH'],
  examples: ['og redeem-codes deliver rcb_01 > codes.txt'],
  options: {},
  async run(context) {
    const delivered = await context.client.send<{ codes: string[] }>('POST', `${pathOf(batchId(context))}/delivery`);
    context.print(context.json ? JSON.stringify(delivered, null, 2) : delivered.codes.join('\n'));
    return 0;
  },
};

export const redeemCodesExport: Command = {
  name: 'redeem-codes export',
  summary: 'the state of every code of a batch as CSV, without the codes',
  usage: ['og redeem-codes export BATCH'],
  examples: ['og redeem-codes export rcb_01 > batch.csv'],
  options: {},
  async run(context) {
    const id = batchId(context);
    // A refusal is thrown by the batch itself; the CSV is no JSON for the client to read.
    await context.client.get(pathOf(id), { limit: '1' });
    const { text } = await context.client.fetch(`/admin/v1/${pathOf(id)}/export`);
    context.print(context.json ? JSON.stringify({ batch_id: id, csv: text }) : text.trimEnd());
    return 0;
  },
};

export const redeemCodesRevoke: Command = {
  name: 'redeem-codes revoke',
  summary: 'withdraw a batch or a code, and take back what is unspent',
  usage: ['og redeem-codes revoke BATCH [--number N] --reason TEXT [--claw-back] --yes', 'og redeem-codes revoke --code CODE --reason TEXT [--claw-back] --yes'],
  examples: ['og redeem-codes revoke rcb_01 --reason "campaign over" --yes', 'og redeem-codes revoke --code OG-… --reason leaked --claw-back --yes'],
  options: {
    number: { type: 'string', value: 'N', describe: 'one code of the batch, by its place in it' },
    code: { type: 'string', value: 'CODE', describe: 'the code itself' },
    reason: { type: 'string', value: 'TEXT', describe: 'why; stands in the ledger' },
    'claw-back': { type: 'boolean', describe: 'also take back what of the redeemed credit is unspent' },
    yes: { type: 'boolean', describe: 'really do it' },
  },
  async run(context) {
    const code = findValue(context, 'code');
    const path = code === undefined ? `${pathOf(batchId(context))}/revoke` : 'redeem-codes/revoke';
    const body = { code, number: readCount('number', findValue(context, 'number')), reason: requiredValue(context, 'reason'), claw_back: context.values['claw-back'] === true };
    if (context.values['yes'] !== true) throw new UsageError('revoking cannot be undone; say --yes');
    const revoked = await context.client.send('POST', path, body);
    const money = `${cell(revoked['clawed_back_usd'])} USD taken back, ${cell(revoked['pending_usd'])} USD held by running requests`;
    context.print(context.json ? JSON.stringify(revoked, null, 2) : `${cell(revoked['batch_id'])} is revoked; ${money}.`);
    return 0;
  },
};

const HEADINGS = ['BATCH', 'STATUS', 'CODES', 'USES', 'AMOUNT', 'MAX USES', 'EXPIRES', 'NOTE'];

function rowOf(batch: Batch): string[] {
  const codes = batch.generated < batch.count ? `${batch.generated}/${batch.count}` : String(batch.count);
  return [batch.batch_id, batch.status, codes, String(batch.uses), batch.amount_usd, cell(batch['max_uses']), cell(batch['expires_at']), cell(batch['note'])];
}

function renderBatch(batch: Batch): string {
  const uses = (batch['redemptions'] as { data: Record<string, unknown>[] }).data;
  const money = `redeemed ${cell(batch['redeemed_usd'])} · spent ${cell(batch['spent_usd'])} · left ${cell(batch['remaining_usd'])} · expired ${cell(batch['expired_usd'])} USD`;
  const rows = uses.map((use) => [cell(use['number']), cell(use['organization_id']), cell(use['redeemed_at']), cell(use['remaining_usd'])]);
  return [renderTable(HEADINGS, [rowOf(batch)]), money, renderTable(['NUMBER', 'ORGANIZATION', 'REDEEMED', 'LEFT'], rows)].join('\n');
}

function createdWords(batch: Batch): string {
  if (Array.isArray(batch.codes)) return [batch.batch_id, ...batch.codes, ONCE].join('\n');
  return `${batch.batch_id}\n${batch.count} codes are being made; fetch them once with: og redeem-codes deliver ${batch.batch_id}`;
}

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} must be a whole number`);
  return Number(text);
}

function batchId(context: CommandContext): string {
  return requiredPositional(context, 0, 'the id of the batch');
}

function pathOf(id: string): string {
  return `redeem-codes/${encodeURIComponent(id)}`;
}
