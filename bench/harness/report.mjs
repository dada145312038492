/** Results → Markdown. */
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { added, faultOf, figure, ratio, rowOf } from './figures.mjs';
import { goalRows } from './goals.mjs';
import { PINNING } from './processes.mjs';

const MINIMAL = { http: 'node-http', nest: 'nest' };

export function renderReport(results, { options, startedAt, loadBefore, loadAfter, ledgers }) {
  return [
    `# Benchmark of ${startedAt.toISOString().slice(0, 10)}`,
    '',
    options.smoke ? '**A smoke run: it shows that the harness works; its figures mean nothing.**\n' : '',
    ...conditions(options, { startedAt, loadBefore, loadAfter }),
    ...(options.smoke ? [] : goalSection(results)),
    ...results.flatMap(scenarioSection),
    ...ledgerSection(ledgers),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}

function conditions(options, { startedAt, loadBefore, loadAfter }) {
  const [cpu] = cpus();
  return [
    '| | |',
    '|---|---|',
    `| when | ${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${commit()} |`,
    `| machine | ${cpus().length} × ${cpu.model}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()} |`,
    `| Node | ${process.version}, \`--max-semi-space-size=64 --no-allocation-site-pretenuring --no-parallel-scavenge\` for every Node subject |`,
    `| placement | ${PINNING} |`,
    `| rounds | ${options.rounds} of ${options.seconds} s after a warm-up, subjects in turn, medians; ratios within a round (lowest–highest) |`,
    `| load average before and after | ${shownLoad(loadBefore)} · ${shownLoad(loadAfter)} (this run alone keeps about 2 busy) |`,
    '',
  ];
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

function shownLoad(load) {
  return load.map((value) => value.toFixed(1)).join(' ');
}

function goalSection(results) {
  const rows = goalRows(results);
  if (rows.length === 0) return [];
  return ['## Goals', '', '| | measured | gate | aim | |', '|---|---|---|---|---|', ...rows, ''];
}

function scenarioSection(result) {
  const { scenario } = result;
  const body = scenario.memory ? memoryTable(result) : scenario.latency ? latencyTable(result) : throughputTable(result);
  const faults = result.rows.filter((row) => faultOf(row) !== null).map((row) => `- **${row.contestant.name}: no result** (${faultOf(row)})`);
  return [`## ${scenario.title}`, '', ...body, '', ...(faults.length > 0 ? [...faults, ''] : [])];
}

function throughputTable(result) {
  const { unit } = result.scenario;
  return table(
    ['', `µs of CPU per ${unit}`, '× node:http', '× minimal Nest', `PostgreSQL’s µs`, `${unit}s/s`, 'p50 · p99 ms', 'loop delay p99 ms', 'RSS MB'],
    result.rows.map((row) => [
      row.contestant.name,
      ...cpuCells(result, row),
      count(figure(row, 'perSecond')),
      unit === 'event' ? pair(figure(row, 'firstP50Ms'), figure(row, 'firstP99Ms'), ' (first event)') : pair(figure(row, 'p50Ms'), figure(row, 'p99Ms')),
      decimal(figure(row, 'delayP99Ms'), 1),
      decimal(figure(row, 'residentMb'), 0),
    ]),
  );
}

function latencyTable(result) {
  const direct = rowOf(result, 'direct');
  return table(
    ['', 'p50 · p99 ms', 'added p50 · p99 ms', 'µs of CPU per request', '× node:http', '× minimal Nest', 'PostgreSQL’s µs', 'loop delay p99 ms'],
    result.rows.map((row) => [
      row.contestant.name,
      pair(figure(row, 'p50Ms'), figure(row, 'p99Ms')),
      row === direct ? '' : pair(added(row, direct, 'p50Ms'), added(row, direct, 'p99Ms')),
      ...(row === direct ? ['', '', '', ''] : cpuCells(result, row)),
      decimal(figure(row, 'delayP99Ms'), 1),
    ]),
  );
}

function memoryTable(result) {
  return table(
    ['', 'kB per stream', '× node:http', 'RSS MB with all streams'],
    result.rows.map((row) => [
      row.contestant.name,
      decimal(figure(row, 'perUnitKb'), 0),
      shownRatio(ratio(row, rowOf(result, MINIMAL.http), (round) => round.perUnitKb)),
      decimal(figure(row, 'residentMb'), 0),
    ]),
  );
}

function cpuCells(result, row) {
  const cpu = (round) => round.cpuUs;
  return [
    decimal(figure(row, 'cpuUs'), 1),
    shownRatio(ratio(row, rowOf(result, MINIMAL.http), cpu)),
    shownRatio(ratio(row, rowOf(result, MINIMAL.nest), cpu)),
    row.contestant.subject.gateway ? decimal(figure(row, 'databaseUs'), 1) : '',
  ];
}

function ledgerSection(ledgers) {
  if (ledgers.length === 0) return [];
  return ['## The ledger afterwards', '', ...ledgers.map(({ name, report }) => `- ${name}: ${report}`), ''];
}

function table(heads, rows) {
  return [`| ${heads.join(' | ')} |`, `|${heads.map(() => '---').join('|')}|`, ...rows.map((cells) => `| ${cells.join(' | ')} |`)];
}

function decimal(value, digits) {
  return value === null ? '' : value.toFixed(digits);
}

function count(value) {
  return value === null ? '' : Math.round(value).toLocaleString('en-US');
}

function pair(first, second, after = '') {
  return first === null || second === null ? '' : `${first.toFixed(2)} · ${second.toFixed(2)}${after}`;
}

export function shownRatio(value) {
  if (value === null) return '';
  return `${value.middle.toFixed(2)} (${value.low.toFixed(2)}–${value.high.toFixed(2)})`;
}
