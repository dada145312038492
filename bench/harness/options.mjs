/** The words behind `npm run bench --`. */
import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios.mjs';

export const USAGE = `npm run bench -- [options]

  --rounds N       measured rounds of every row, 3 by default; subjects take turns within a round
  --seconds S      length of one measurement, 3 by default, after a warm-up
  --only a,b       scenarios: ${SCENARIOS.map((scenario) => scenario.id).join(', ')}
  --subjects a,b   rows whose name contains one of these words ("node:http" is always measured: the ratios need it)
  --soak           a long run of the gateway alone: --rate R for --seconds S (1,000/s for 300 s), or --requests N as fast as they go
  --peers          also measures Portkey, installed from npm on demand
  --write          also writes bench/results/<date>.md
  --smoke          everything for a moment, to see that the harness works; the figures mean nothing
  --profile ID     a CPU profile of the gateway under that scenario (bench/profiles/*.cpuprofile, for a flame graph), and its top
  --lane NAME      with --profile: openai (default), anthropic or gemini behind the gateway
  --strict         with --profile: the ledger commits every request by itself
`;

const SMOKE_EVENTS = 5;
const SMOKE_STREAMS = 16;

const WORDS = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string' },
  subjects: { type: 'string' },
  profile: { type: 'string' },
  lane: { type: 'string', default: 'openai' },
  strict: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  soak: { type: 'boolean', default: false },
  rate: { type: 'string' },
  requests: { type: 'string' },
  peers: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

/** Throws an Error with one line for a person. */
export function parseOptions(args) {
  const { values } = parseArgs({ args, options: WORDS });
  const scenarios = values.only === undefined ? SCENARIOS : values.only.split(',').map(scenarioOf);
  return {
    help: values.help,
    write: values.write,
    peers: values.peers,
    soak: values.soak ? soakOf(values) : null,
    smoke: values.smoke,
    profile: values.profile === undefined ? null : { scenario: scenarioOf(values.profile), lane: values.lane, strict: values.strict },
    scenarios: values.smoke ? scenarios.map(smallest) : scenarios,
    subjects: values.subjects === undefined ? null : values.subjects.split(','),
    ...pacesOf(values),
  };
}

function soakOf({ rate, requests, seconds }) {
  if (requests !== undefined) return { requests: Number(requests) };
  return { rate: Number(rate ?? 1_000), seconds: Number(seconds ?? 300) };
}

/** The same path through everything, in a moment. */
function smallest(scenario) {
  const [, events, gapMs] = scenario.script.split('-').map(Number);
  const few = Math.min(events, SMOKE_EVENTS);
  const { load } = scenario;
  return {
    ...scenario,
    script: `b-${few}-${gapMs}`,
    load: { ...load, ...(load.events && { events: few }), ...(load.hold && { hold: SMOKE_STREAMS }), ...(load.connections && { connections: SMOKE_STREAMS }) },
  };
}

function pacesOf(values) {
  const { smoke } = values;
  return {
    rounds: numberOf('rounds', values.rounds, smoke ? 1 : 3),
    seconds: numberOf('seconds', values.seconds, smoke ? 0.15 : 3),
    /** Of a path that is warm, before each round: the others' turns leave their own code and data in the caches (the first tenth of a second is up to half as dear again, after a second nothing of it is left). */
    warmupSeconds: 2,
    /** What was acknowledged before it was stored (settlements, log records) is stored in this time: it is work of the requests. */
    settleMs: smoke ? 20 : 700,
  };
}

function scenarioOf(id) {
  const found = SCENARIOS.find((scenario) => scenario.id === id);
  if (found === undefined) throw new Error(`no scenario "${id}"; there are ${SCENARIOS.map((scenario) => scenario.id).join(', ')}`);
  return found;
}

function numberOf(name, text, fallback) {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} takes a positive number`);
  return value;
}
