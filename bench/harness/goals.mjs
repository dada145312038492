/** What we want to be, as ratios within one run. Gate: must hold. Aim: where we are going. */
import { faultOf, figure, ratio, rowOf } from './figures.mjs';

const cpu = (round) => round.cpuUs;
const perSecond = (round) => round.perSecond;

const GOALS = [
  { text: 'CPU of a request, everything on, against minimal Nest', scenario: 'json-64', row: 'gateway', base: 'nest', of: cpu, gate: 1.3, aim: 1.0 },
  { text: 'CPU of a request against Portkey', scenario: 'json-64', row: 'portkey', base: 'gateway', of: cpu, gate: 8, aim: 12, atLeast: true },
  { text: 'two workers on two cores, requests a second, against one process on one core', scenario: 'two-workers', row: 'gateway-two', base: 'gateway-one', of: perSecond, gate: 1.6, aim: 1.8, atLeast: true },
  { text: 'the same where upstream and load generator share the one core as they share the two', scenario: 'two-workers', row: 'gateway-two', base: 'gateway-alone', of: perSecond, gate: 1.6, aim: 1.8, atLeast: true },
  { text: 'the same with the strict ledger', scenario: 'json-64', row: 'gateway-strict', base: 'nest', of: cpu, gate: null, aim: null },
  {
    text: 'PostgreSQL’s CPU of a request against the gateway’s',
    scenario: 'json-64',
    row: 'gateway',
    own: (round) => round.databaseUs / round.cpuUs,
    gate: 0.6,
    aim: 0.4,
  },
  { text: 'PostgreSQL’s CPU of a request, posting and log row', scenario: 'json-64', row: 'gateway', value: 'databaseUs', unit: ' µs', gate: 40, aim: 30 },
  { text: 'p50 added at 1,000/s against node:http', scenario: 'rate-1000', row: 'gateway', base: 'node-http', added: 'p50Ms', gate: 2, aim: 1.5 },
  { text: 'p99 added at 1,000/s against node:http', scenario: 'rate-1000', row: 'gateway', base: 'node-http', added: 'p99Ms', gate: 3, aim: 2 },
  {
    text: 'CPU of an event, saturated, native lane, against node:http',
    scenario: 'streams-saturated',
    row: 'gateway',
    base: 'node-http',
    of: cpu,
    gate: 1.3,
    aim: 1.1,
  },
  { text: 'the same from Anthropic', scenario: 'streams-saturated', row: 'gateway-anthropic', base: 'node-http', of: cpu, gate: 2.2, aim: 1.5 },
  { text: 'the same from Gemini', scenario: 'streams-saturated', row: 'gateway-gemini', base: 'node-http', of: cpu, gate: 2.2, aim: 1.5 },
  {
    text: 'CPU of an event one by one (64 × 1 ms), native lane, against node:http',
    scenario: 'streams-1ms',
    row: 'gateway',
    base: 'node-http',
    of: cpu,
    gate: 1.1,
    aim: 0.7,
  },
  { text: 'the same from Anthropic', scenario: 'streams-1ms', row: 'gateway-anthropic', base: 'node-http', of: cpu, gate: 1.4, aim: 1.0 },
  {
    text: 'CPU of an event one by one (500 × 20 ms), native lane, against node:http',
    scenario: 'streams-20ms',
    row: 'gateway',
    base: 'node-http',
    of: cpu,
    gate: 1.1,
    aim: 0.7,
  },
  { text: 'the same from Anthropic', scenario: 'streams-20ms', row: 'gateway-anthropic', base: 'node-http', of: cpu, gate: 1.4, aim: 1.0 },
  { text: 'memory of an idle stream', scenario: 'idle-streams', row: 'gateway', value: 'perUnitKb', unit: ' kB', gate: 64, aim: 40 },
];

/** A row of Markdown for every goal whose scenario was run. */
export function goalRows(results) {
  return GOALS.flatMap((goal) => {
    const result = results.find(({ scenario }) => scenario.id === goal.scenario);
    if (result === undefined || rowOf(result, goal.row) === undefined) return [];
    return [`| ${[goal.text, ...cells(goal, measure(goal, result))].join(' | ')} |`];
  });
}

function cells(goal, value) {
  const unit = goal.unit ?? ' ×';
  const limit = (number) => (number === null ? '' : `${goal.atLeast ? '≥' : '≤'} ${number}${unit}`);
  if (value === null) return ['no result', limit(goal.gate), limit(goal.aim), 'no result'];
  return [`${value.toFixed(unit === ' ×' ? 2 : 0)}${unit}`, limit(goal.gate), limit(goal.aim), verdict(goal, value)];
}

function verdict({ gate, aim, atLeast }, value) {
  if (gate === null) return '';
  const reaches = (goal) => (atLeast ? value >= goal : value <= goal);
  if (reaches(aim)) return 'aim reached';
  return reaches(gate) ? 'gate holds' : '**misses the gate**';
}

function measure(goal, result) {
  const row = rowOf(result, goal.row);
  if (goal.value !== undefined) return figure(row, goal.value);
  const base = rowOf(result, goal.base ?? goal.row);
  if (goal.own !== undefined) return ratio(row, unitRow(row), goal.own)?.middle ?? null;
  if (goal.of !== undefined) return ratio(row, base, goal.of)?.middle ?? null;
  return addedRatio({ row, base, direct: rowOf(result, 'direct') }, goal.added);
}

/** A base of ones, so that a row's own quotient is read like any ratio. */
function unitRow(row) {
  return { rounds: row.rounds.map(() => ({ databaseUs: 1, cpuUs: 1 })) };
}

/** Added by one over added by the other; each relative to the direct way of the same round. */
function addedRatio({ row, base, direct }, name) {
  if ([row, base, direct].some((each) => each === undefined || faultOf(each) !== null)) return null;
  const over = (round, index) => round[name] - direct.rounds[index][name];
  return ratio(row, base, over)?.middle ?? null;
}
