import { convertUsd, decimalsOf, formatUsd } from '../../core/pricing/index.js';
import { csvRow } from './csv.js';
import type { StatementDocument } from './statement-document.js';

const HEADINGS = ['section', 'date', 'project_id', 'project', 'model', 'requests', 'prompt_tokens', 'completion_tokens', 'reference', 'description', 'amount_usd'];

/** One table: the balance lines, the usage, the movements. `amount_usd` of everything but the closing line adds up to the closing line. */
export function renderStatementCsv(document: StatementDocument): string {
  const { statement, projectNames, rate } = document;
  const dayOf = (ms: number): string => new Intl.DateTimeFormat('sv-SE', { timeZone: statement.timezone }).format(ms);
  const rows = [
    HEADINGS,
    balance('opening_balance', dayOf(statement.fromMs), formatUsd(statement.openingNanoUsd)),
    ...statement.usage.map((line) => [
      'usage', null, line.projectId, projectNames.get(line.projectId) ?? null, line.model, line.requestCount, line.promptTokenCount, line.completionTokenCount,
      null, null, formatUsd(-line.amountNanoUsd),
    ]),
    ...statement.movements.map((movement) => [
      movement.kind, dayOf(movement.atMs), null, null, null, null, null, null, movement.requestId ?? `transaction ${movement.transactionId}`, movement.reason,
      formatUsd(movement.amountNanoUsd),
    ]),
    ...leftOut(document),
    balance('closing_balance', dayOf(statement.toMs - 1), formatUsd(statement.closingNanoUsd)),
  ];
  if (rate !== null) {
    const view = convertUsd(statement.closingNanoUsd, rate, decimalsOf(rate.currency));
    const words = `closing balance is ${view} ${rate.currency} at ${formatUsd(rate.nanoPerUsd)} since ${dayOf(rate.effectiveFromMs)} (${rate.source})`;
    rows.push(['view', null, null, null, null, null, null, null, null, words, null]);
  }
  return rows.map(csvRow).join('');
}

function balance(section: string, day: string, amount: string): (string | null)[] {
  return [section, day, null, null, null, null, null, null, null, null, amount];
}

/** What of the movements is not listed, as one line, so that the column still adds up. */
function leftOut({ statement }: StatementDocument): (string | null)[][] {
  if (statement.movementsLeftOutCount === 0) return [];
  const listed = statement.movements.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n);
  const rest = statement.grantedNanoUsd + statement.refundedNanoUsd - statement.expiredNanoUsd - listed;
  return [['movements', null, null, null, null, null, null, null, null, `${statement.movementsLeftOutCount} more movements`, formatUsd(rest)]];
}
