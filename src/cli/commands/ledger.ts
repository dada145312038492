import type { Command, CommandContext } from '../command.js';
import { cell, renderTable } from '../table.js';

interface Verification {
  ok: boolean;
  drift_nano_usd: string | number;
  open_holds: number;
  open_leases: number;
  transactions: number;
  invariants?: { id: string; ok: boolean; violations: number; means: string }[];
}

export const ledgerVerify: Command = {
  name: 'ledger verify',
  summary: "check the ledger's invariants; exit 1 when one does not hold",
  usage: ['og ledger verify [--all]'],
  examples: ['og ledger verify', 'og ledger verify --all', 'og ledger verify --json | jq .drift_nano_usd'],
  options: { all: { type: 'boolean', describe: 'also compute every charge there ever was again, from its usage and price' } },
  async run(context) {
    const result = await context.client.get<Verification>('ledger/verify');
    if (context.json) context.print(JSON.stringify(result, null, 2));
    else context.print(render(result));
    const wrong = context.values['all'] === true ? await recomputeAll(context) : 0;
    return result.ok && wrong === 0 ? 0 : 1;
  },
};

interface RecomputedPage {
  checked: number;
  data: { request_id: string }[];
  next_cursor: string | null;
}

/** Page by page, so that a ledger of any size is gone through without one long call. Returns how many came out otherwise. */
async function recomputeAll(context: CommandContext): Promise<number> {
  let checked = 0;
  const wrong: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: RecomputedPage = await context.client.get<RecomputedPage>('ledger/recompute', { cursor });
    checked += page.checked;
    wrong.push(...page.data.map(({ request_id }) => request_id));
    cursor = page.next_cursor;
  }
  const verdict = `${wrong.length === 0 ? '✓' : '✗'} ${checked} charges computed again, ${wrong.length} otherwise`;
  context.print(context.json ? JSON.stringify({ checked, wrong }) : [verdict, ...wrong.slice(0, 20)].join('\n'));
  return wrong.length;
}

function render(result: Verification): string {
  const verdict = `${result.ok ? '✓ the ledger holds' : '✗ the ledger does not hold'}: drift ${cell(result.drift_nano_usd)} nano-USD, ${result.open_holds} open holds, ${result.open_leases} open leases, ${result.transactions} transactions`;
  const rows = (result.invariants ?? []).map((item) => [item.ok ? '✓' : '✗', item.id, String(item.violations), item.means]);
  return rows.length === 0 ? verdict : `${renderTable(['', 'INVARIANT', 'VIOLATIONS', 'WHAT'], rows)}\n${verdict}`;
}
