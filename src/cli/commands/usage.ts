import { findValue, requiredPositional, requiredValue, type Command, type CommandContext, type Option } from '../command.js';
import { cell, renderTable } from '../table.js';

interface UsageAnswer {
  group_by: string[];
  data: Record<string, unknown>[];
  total: Record<string, unknown>;
}

export const USAGE_OPTIONS: Readonly<Record<string, Option>> = {
  organization: { type: 'string', value: 'ID', describe: 'of one organization' },
  project: { type: 'string', value: 'ID', describe: 'of one project' },
  from: { type: 'string', value: 'TIME', describe: 'a date in the timezone or a time with offset, inclusive (default: 30 days ago)' },
  to: { type: 'string', value: 'TIME', describe: 'the same, exclusive (default: now)' },
  timezone: { type: 'string', value: 'TZ', describe: 'where days begin, e.g. Asia/Seoul (default: UTC)' },
  'group-by': { type: 'string', value: 'WORDS', describe: 'hour, day, month, model, provider, project, key; or tag' },
};

export function askUsage(context: CommandContext): Promise<UsageAnswer> {
  return context.client.get<UsageAnswer>('usage', {
    organization_id: findValue(context, 'organization'),
    project_id: findValue(context, 'project'),
    from: findValue(context, 'from'),
    to: findValue(context, 'to'),
    timezone: findValue(context, 'timezone'),
    group_by: findValue(context, 'group-by'),
  });
}

export const usage: Command = {
  name: 'usage',
  summary: 'what was used, charged and paid to providers',
  usage: ['og usage [--from TIME] [--to TIME] [--timezone TZ] [--group-by day,model] [--organization ID] [--project ID]'],
  examples: ['og usage --group-by day', 'og usage --group-by model --from 2026-11-01 --to 2026-12-01 --timezone Asia/Seoul'],
  options: USAGE_OPTIONS,
  async run(context) {
    const answer = await askUsage(context);
    const rows = answer.data.length === 0 ? [answer.total] : [...answer.data, { ...answer.total, [groupColumn(answer)]: 'total' }];
    context.print(context.json ? JSON.stringify(answer, null, 2) : renderRows(rows));
    return 0;
  },
};

/** The first column, where the sum of all is called so. */
function groupColumn({ data }: UsageAnswer): string {
  return Object.keys(data[0] ?? {})[0] ?? 'total';
}

function renderRows(rows: readonly Record<string, unknown>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== 'tokens');
  return renderTable(columns.map((name) => name.toUpperCase().replaceAll('_', ' ')), rows.map((row) => columns.map((name) => cell(row[name]))));
}

export const rates: Command = {
  name: 'rates',
  summary: 'list exchange rates, or set one for views of amounts in another currency',
  usage: ['og rates', 'og rates --set CURRENCY --rate UNITS_PER_USD --source TEXT [--from TIME]'],
  examples: ['og rates', 'og rates --set KRW --rate 1386.20 --source "Bank of Korea" --from 2026-11-01T00:00:00+09:00'],
  options: {
    set: { type: 'string', value: 'CURRENCY', describe: 'an ISO 4217 code such as KRW or JPY' },
    rate: { type: 'string', value: 'UNITS', describe: 'units of the currency for one USD' },
    source: { type: 'string', value: 'TEXT', describe: 'where the rate is from; stands on statements' },
    from: { type: 'string', value: 'TIME', describe: 'from when it holds (default: now)' },
  },
  async run(context) {
    const currency = findValue(context, 'set');
    const list =
      currency === undefined
        ? (await context.client.get<{ data: Record<string, unknown>[] }>('exchange-rates')).data
        : [
            await context.client.send('POST', 'exchange-rates', {
              currency, rate: requiredValue(context, 'rate'), source: requiredValue(context, 'source'), effective_from: findValue(context, 'from'),
            }),
          ];
    context.print(context.json ? JSON.stringify(list, null, 2) : renderRows(list));
    return 0;
  },
};

export const creditsList: Command = {
  name: 'credits list',
  summary: "list an organization's grants, newest first",
  usage: ['og credits list ORGANIZATION'],
  examples: ['og credits list default'],
  options: {},
  async run(context) {
    const list = await context.client.get<{ data: Record<string, unknown>[] }>('credits', { organization_id: requiredPositional(context, 0, 'the id of the organization') });
    const columns = ['id', 'amount_usd', 'remaining_usd', 'priority', 'expires_at', 'source', 'reason'];
    const rows = list.data.map((grant) => columns.map((name) => cell(grant[name])));
    context.print(context.json ? JSON.stringify(list, null, 2) : renderTable(columns.map((name) => name.toUpperCase().replaceAll('_', ' ')), rows));
    return 0;
  },
};
