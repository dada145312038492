import type { Command } from '../command.js';
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
  usage: ['og ledger verify'],
  examples: ['og ledger verify', 'og ledger verify --json | jq .drift_nano_usd'],
  options: {},
  async run(context) {
    const result = await context.client.get<Verification>('ledger/verify');
    if (context.json) context.print(JSON.stringify(result, null, 2));
    else context.print(render(result));
    return result.ok ? 0 : 1;
  },
};

function render(result: Verification): string {
  const verdict = `${result.ok ? '✓ the ledger holds' : '✗ the ledger does not hold'}: drift ${cell(result.drift_nano_usd)} nano-USD, ${result.open_holds} open holds, ${result.open_leases} open leases, ${result.transactions} transactions`;
  const rows = (result.invariants ?? []).map((item) => [item.ok ? '✓' : '✗', item.id, String(item.violations), item.means]);
  return rows.length === 0 ? verdict : `${renderTable(['', 'INVARIANT', 'VIOLATIONS', 'WHAT'], rows)}\n${verdict}`;
}
