import { findValue, requiredPositional, requiredValue, UsageError, type Command } from '../command.js';
import { readTextFile } from '../read-text.js';
import { cell, renderTable } from '../table.js';

interface Reconciliation {
  id: string;
  matched: number;
  different: number;
  ours_only: number;
  theirs_only: number;
  ours_usd: string;
  theirs_usd: string;
  proposed: { lines: number; cost_usd: string; refund_usd: string };
  lines?: { data: Record<string, unknown>[]; next_cursor: string | null };
}

export const reconcileImport: Command = {
  name: 'reconcile import',
  summary: "compare a provider's usage report with the ledger; corrects nothing",
  usage: ['og reconcile import FILE --provider ID --from TIME --to TIME --map id=COLUMN,cost=COLUMN[,input=…,output=…] [--tolerance USD]'],
  examples: [
    'og reconcile import openai.csv --provider openai --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --map id=request_id,cost=cost_usd',
    'og reconcile import costs.json --provider openai --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --map day=date,model=line_item,cost=amount.value',
  ],
  options: {
    provider: { type: 'string', value: 'ID', describe: "the provider's id in the configuration" },
    from: { type: 'string', value: 'TIME', describe: 'begin of the reported time, with offset' },
    to: { type: 'string', value: 'TIME', describe: 'its end, exclusive' },
    map: { type: 'string', value: 'WORDS', describe: 'id, or day and model; cost; also currency, input, output, cache_read, cache_write' },
    format: { type: 'string', value: 'FORMAT', describe: "csv or json (default: by the file's name)" },
    tolerance: { type: 'string', value: 'USD', describe: 'differences up to this are none' },
  },
  async run(context) {
    const file = requiredPositional(context, 0, 'the file of the report');
    const answer = await context.client.send<Reconciliation>('POST', 'reconciliations', {
      provider: requiredValue(context, 'provider'),
      from: requiredValue(context, 'from'),
      to: requiredValue(context, 'to'),
      format: findValue(context, 'format') ?? (file.endsWith('.json') ? 'json' : 'csv'),
      mapping: readMapping(requiredValue(context, 'map')),
      tolerance_usd: findValue(context, 'tolerance'),
      report: readTextFile(file),
    });
    context.print(context.json ? JSON.stringify(answer, null, 2) : renderSummary(answer));
    return 0;
  },
};

export const reconcileShow: Command = {
  name: 'reconcile show',
  summary: 'list reconciliations, or the lines of one',
  usage: ['og reconcile show [ID] [--outcome matched|different|ours_only|theirs_only] [--open] [--cursor C]'],
  examples: ['og reconcile show', 'og reconcile show rec_01 --open'],
  options: {
    outcome: { type: 'string', value: 'WORD', describe: 'only lines of this outcome' },
    open: { type: 'boolean', describe: 'only lines with a proposed correction that is not posted' },
    cursor: { type: 'string', value: 'C', describe: 'where the last page ended' },
  },
  async run(context) {
    const [id] = context.positionals;
    const query = { outcome: findValue(context, 'outcome'), open: context.values['open'] === true ? 'true' : undefined, cursor: findValue(context, 'cursor') };
    if (id === undefined) {
      const list = await context.client.get<{ data: Reconciliation[] }>('reconciliations', { cursor: query.cursor });
      context.print(context.json ? JSON.stringify(list, null, 2) : list.data.map(renderSummary).join('\n\n') || 'no reconciliations yet');
      return 0;
    }
    const found = await context.client.get<Reconciliation>(`reconciliations/${encodeURIComponent(id)}`, query);
    context.print(context.json ? JSON.stringify(found, null, 2) : `${renderSummary(found)}\n${renderLines(found)}`);
    return 0;
  },
};

export const reconcilePost: Command = {
  name: 'reconcile post',
  summary: 'post proposed corrections as new transactions; nothing that stands is changed',
  usage: ['og reconcile post ID [--lines N,…] --yes'],
  examples: ['og reconcile post rec_01 --lines 4,7 --yes'],
  options: {
    lines: { type: 'string', value: 'N,…', describe: 'some lines (default: all that are proposed, 500 at once)' },
    yes: { type: 'boolean', describe: 'really do it' },
  },
  async run(context) {
    const id = requiredPositional(context, 0, 'the id of the reconciliation');
    if (context.values['yes'] !== true) throw new UsageError('corrections move money in the ledger; say --yes');
    const lines = findValue(context, 'lines')?.split(',').map((text) => (/^\d{1,7}$/.test(text) ? Number(text) : Number.NaN));
    if (lines?.some(Number.isNaN) === true) throw new UsageError('--lines must be whole numbers with commas between');
    const posted = await context.client.send('POST', `reconciliations/${encodeURIComponent(id)}/corrections`, { lines });
    const words = `${cell(posted['posted'])} lines posted: cost ${cell(posted['cost_usd'])} USD, refunds ${cell(posted['refunded_usd'])} USD; ${cell(posted['remaining'])} left`;
    context.print(context.json ? JSON.stringify(posted, null, 2) : words);
    return 0;
  },
};

function readMapping(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('='));
  if (pairs.some((pair) => pair.length !== 2 || pair.includes(''))) throw new UsageError('--map must be like id=request_id,cost=cost_usd');
  return Object.fromEntries(pairs) as Record<string, string>;
}

function renderSummary(answer: Reconciliation): string {
  const { id, matched, different, ours_only: oursOnly, theirs_only: theirsOnly, proposed } = answer;
  const counts = `${matched} matched, ${different} different, ${oursOnly} ours only, ${theirsOnly} theirs only`;
  return `${id}: ${counts}\nours ${answer.ours_usd} USD, theirs ${answer.theirs_usd} USD; proposed: ${proposed.lines} lines, cost ${proposed.cost_usd} USD, refunds ${proposed.refund_usd} USD`;
}

function renderLines({ lines }: Reconciliation): string {
  const rows = (lines?.data ?? []).map((line) => {
    const correction = line['correction'] as Record<string, string>;
    const names = [line['number'], line['outcome'], line['reference'], line['ours_usd'], line['theirs_usd']].map(cell);
    return [...names, cell(correction['cost_usd']), cell(correction['refund_usd']), cell(line['correction_id'] ?? line['refund_id'])];
  });
  const more = lines?.next_cursor == null ? '' : `\nmore: --cursor ${lines.next_cursor}`;
  return renderTable(['LINE', 'OUTCOME', 'REFERENCE', 'OURS', 'THEIRS', 'COST', 'REFUND', 'POSTED AS'], rows) + more;
}
