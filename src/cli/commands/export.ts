import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { findValue, requiredPositional, requiredValue, UsageError, type Command, type CommandContext } from '../command.js';
import { askUsage, USAGE_OPTIONS } from './usage.js';

const PAGE_COUNT = '200';
/** A cursor that never ends must not fill a disk. */
const MAX_PAGES = 50_000;

/** What can be exported, and how. Each writes pieces as they come. */
const EXPORTS: Readonly<Record<string, (context: CommandContext, write: (text: string) => void) => Promise<void>>> = {
  config: async ({ client }, write) => write(stringify(await client.get('config'), { sortMapEntries: false })),
  usage: exportUsage,
  statement: exportStatement,
  requests: exportRequests,
};

export const exportCommand: Command = {
  name: 'export',
  summary: 'write configuration, usage, a statement or the request log to a file',
  usage: [
    'og export config [--out FILE]',
    'og export usage [--group-by day,model] [--from TIME] [--to TIME] [--timezone TZ] [--out FILE]',
    'og export statement --organization ID --month 2026-11 [--timezone TZ] [--currency KRW] [--language ko] [--format csv|html|json] [--out FILE]',
    'og export requests [--organization ID] [--project ID] [--from TIME] [--to TIME] [--out FILE]',
  ],
  examples: ['og export config > opengateway.yaml', 'og export statement --organization default --month 2026-11 --format html --out november.html', 'og export requests --from 2026-11-01T00:00:00Z | jq .cost_usd'],
  options: {
    ...USAGE_OPTIONS,
    month: { type: 'string', value: 'MONTH', describe: 'like 2026-11' },
    currency: { type: 'string', value: 'CODE', describe: "a statement's totals also in this currency" },
    language: { type: 'string', value: 'CODE', describe: 'en, ko or ja, of a printed statement' },
    format: { type: 'string', value: 'FORMAT', describe: 'of a statement: csv (default), html or json' },
    out: { type: 'string', value: 'FILE', describe: 'where to (default: standard output)' },
  },
  async run(context) {
    const what = requiredPositional(context, 0, `what to export (${Object.keys(EXPORTS).join(', ')})`);
    const work = EXPORTS[what];
    if (work === undefined) throw new UsageError(`${what} cannot be exported; known are ${Object.keys(EXPORTS).join(', ')}`);
    const file = findValue(context, 'out');
    if (file !== undefined) writeFileSync(file, '');
    await work(context, (text) => (file === undefined ? process.stdout.write(text) : writeFileSync(file, text, { flag: 'a' })));
    return 0;
  },
};

async function exportUsage(context: CommandContext, write: (text: string) => void): Promise<void> {
  const { data, total } = await askUsage(context);
  const rows = (data.length === 0 ? [total] : data).map(flat);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  write(`${columns.join(',')}\r\n`);
  for (const row of rows) write(`${columns.map((name) => csvCell(row[name])).join(',')}\r\n`);
}

/** Token classes become columns of their own. */
function flat({ tokens, ...row }: Record<string, unknown>): Record<string, unknown> {
  const classes = Object.entries((tokens ?? {}) as Record<string, unknown>).map(([name, count]) => [`${name}_tokens`, count] as const);
  return { ...row, ...Object.fromEntries(classes) };
}

/** A spreadsheet must not take a name for a formula. */
function csvCell(value: unknown): string {
  const text = value === undefined || value === null ? '' : String(value as string | number);
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function exportStatement(context: CommandContext, write: (text: string) => void): Promise<void> {
  const words = { timezone: findValue(context, 'timezone'), currency: findValue(context, 'currency'), language: findValue(context, 'language') };
  const known = Object.entries(words).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const query = new URLSearchParams([['organization_id', requiredValue(context, 'organization')], ['month', requiredValue(context, 'month')], ...known]);
  // A refusal is thrown by the JSON; CSV and HTML are nothing for the client to read.
  const statement = await context.client.get(`statements?${query.toString()}`);
  const format = findValue(context, 'format') ?? (context.json ? 'json' : 'csv');
  if (format === 'json') return write(`${JSON.stringify(statement, null, 2)}\n`);
  query.set('format', format);
  const { status, text } = await context.client.fetch(`/admin/v1/statements?${query.toString()}`);
  if (status >= 400) throw new UsageError('--format must be csv, html or json; --language en, ko or ja');
  write(text);
}

/** One JSON object a line, newest first, so that it can be read while it is written. */
async function exportRequests(context: CommandContext, write: (text: string) => void): Promise<void> {
  const filters = { organization_id: findValue(context, 'organization'), project_id: findValue(context, 'project'), from: findValue(context, 'from'), to: findValue(context, 'to') };
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const list = await context.client.get<{ data: unknown[]; next_cursor: string | null }>('requests', { ...filters, limit: PAGE_COUNT, cursor });
    for (const row of list.data) write(`${JSON.stringify(row)}\n`);
    if (list.next_cursor === null) return;
    cursor = list.next_cursor;
  }
}
