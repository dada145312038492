import { tollOf, type CrashCase } from './cases.js';

/** A row for each failpoint and kind, a column for each mode and fate; beneath it what went wrong. */
export function renderMatrix(cases: readonly CrashCase[], faults: ReadonlyMap<CrashCase, string>): string {
  const columns = [...new Set(cases.map(columnOf))];
  const rows = [...new Set(cases.map(rowOf))];
  const lines = rows.map((row) => {
    const own = cases.filter((crash) => rowOf(crash) === row);
    const toll = own[0] === undefined ? '' : tollOf(own[0]);
    const cells = columns.map((column) => cellOf(own.filter((crash) => columnOf(crash) === column), faults));
    return `| ${[row, toll, ...cells].join(' | ')} |`;
  });
  const wrong = [...faults].map(([crash, fault]) => `- ${rowOf(crash)}, ${columnOf(crash)}: ${fault}`);
  return [
    '# Crash matrix',
    '',
    `${cases.length} crashes, ${faults.size} wrong. \`ok\`: after the restart nothing is held, drift 0, and the customer paid what the second column says.`,
    '',
    `| dies at | pays | ${columns.join(' | ')} |`,
    `|${'---|'.repeat(columns.length + 2)}`,
    ...lines,
    ...(wrong.length === 0 ? [] : ['', ...wrong]),
  ].join('\n');
}

function rowOf({ point, stream }: CrashCase): string {
  return `${point}, ${stream ? 'stream' : 'whole'}`;
}

function columnOf({ lease, database, redis }: CrashCase): string {
  return `${lease ? 'lease' : 'strict'}, ${database}${redis === 'none' ? '' : `, Redis ${redis}`}`;
}

function cellOf(cases: readonly CrashCase[], faults: ReadonlyMap<CrashCase, string>): string {
  if (cases.length === 0) return '–';
  return cases.some((crash) => faults.has(crash)) ? '**wrong**' : 'ok';
}
