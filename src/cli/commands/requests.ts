import { findValue, requiredPositional, type Command } from '../command.js';
import { cell, renderTable } from '../table.js';

interface RequestRow {
  [field: string]: unknown;
}

const COLUMNS: readonly (readonly [string, string])[] = [
  ['ID', 'id'],
  ['STATE', 'state'],
  ['STATUS', 'status'],
  ['MODEL', 'model'],
  ['PROVIDER', 'provider'],
  ['COST USD', 'cost_usd'],
  ['MS', 'total_ms'],
];

export const requestsList: Command = {
  name: 'requests list',
  summary: 'list logged requests, newest first',
  usage: ['og requests list [--model M] [--status N] [--key ID] [--limit N] [--cursor C]'],
  examples: ['og requests list --status 502', 'og requests list --model sandbox/echo --limit 5'],
  options: {
    model: { type: 'string', value: 'M', describe: 'the model asked for or served' },
    status: { type: 'string', value: 'N', describe: 'the HTTP status the client got' },
    key: { type: 'string', value: 'ID', describe: 'the virtual key' },
    limit: { type: 'string', value: 'N', describe: 'at most so many (1 to 200)' },
    cursor: { type: 'string', value: 'C', describe: 'where the last page ended' },
  },
  async run(context) {
    const query = {
      model: findValue(context, 'model'),
      status: findValue(context, 'status'),
      key_id: findValue(context, 'key'),
      limit: findValue(context, 'limit') ?? '20',
      cursor: findValue(context, 'cursor'),
    };
    const list = await context.client.get<{ data: RequestRow[]; next_cursor: string | null }>('requests', query);
    if (context.json) context.print(JSON.stringify(list, null, 2));
    else
      context.print(
        renderTable(
          COLUMNS.map(([heading]) => heading),
          list.data.map((row) => COLUMNS.map(([, field]) => cell(row[field]))),
        ),
      );
    return 0;
  },
};

export const requestsGet: Command = {
  name: 'requests get',
  summary: 'show everything recorded of one request',
  usage: ['og requests get REQUEST_ID'],
  examples: ['og requests get req_0ABC'],
  options: {},
  async run(context) {
    const detail = await context.client.get(`requests/${encodeURIComponent(requiredPositional(context, 0, 'the request id'))}`);
    context.print(JSON.stringify(detail, null, 2));
    return 0;
  },
};
