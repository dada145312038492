/** The order of things: subjects stay up, take turns within each round, and every figure is a median over the rounds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runLoad } from './native.mjs';
import { measureLoad, measureMemory } from './measure.mjs';
import { cpuOf, moveToCore } from './processes.mjs';
import { bodyOf } from './scenarios.mjs';
import { contestantsOf } from './subjects.mjs';

const DIRECT = { id: 'direct', name: 'straight to the upstream', lane: 'openai', subject: { id: 'direct' } };
const WARM_CONNECTIONS = 64;
const WARM_SEGMENT_SECONDS = 2;
const WARM_SEGMENTS = 20;
const SMOKE_SECONDS = 0.5;
/** Requests (streams, where events are counted) before a path may be called warm … */
const WARM_REQUESTS = { request: 30_000, event: 1_000 };
/** … and it is when so many segments in a row cost at least this share of the cheapest before them: one alone may be the machine's. */
const STEADY_SHARE = 0.97;
const STEADY_SEGMENTS = 3;

/** `[{scenario, rows: [{contestant, rounds: [figures or {fault}]}]}]`; `running` holds the started subjects by id. */
export async function runScenario(context, scenario, running) {
  const rows = rowsOf(context, scenario).map((contestant) => ({ contestant, rounds: [] }));
  for (let round = 0; round < context.options.rounds; round += 1) {
    for (let turn = 0; turn < rows.length; turn += 1) {
      const row = rows[(turn + round) % rows.length];
      const started = Date.now();
      row.rounds.push(await takeTurn(context, scenario, { row, running }));
      context.note(
        `${scenario.id} · round ${round + 1} · ${row.contestant.name}: ${shown(row.rounds.at(-1))} (${((Date.now() - started) / 1_000).toFixed(1)} s)`,
      );
    }
  }
  return { scenario, rows };
}

function rowsOf(context, scenario) {
  const contestants = contestantsOf(scenario, context.subjects);
  return scenario.latency ? [DIRECT, ...contestants] : contestants;
}

async function takeTurn(context, scenario, { row: { contestant }, running }) {
  try {
    if (scenario.memory) return await inFreshProcess(context, scenario, contestant);
    const target =
      contestant.id === 'direct' ? { port: context.upstream.port, headers: [], pid: context.upstream.pid, child: null } : running.get(contestant.subject.id);
    if (target.sharesCore) moveToCore('subject', context.upstream.pid);
    await warmUp(context, scenario, { contestant, target });
    // What the warm-up left behind (posting, log records) is not the measured requests' work.
    await sleep(context.options.settleMs);
    return await measureLoad({ context, scenario, contestant, running: target, seconds: context.options.seconds });
  } catch (error) {
    return { fault: error.message };
  } finally {
    moveToCore('others', context.upstream.pid);
  }
}

/**
 * As many as it can serve, whatever rate is measured afterwards. The first time a subject walks a path: until V8 has compiled
 * what is hot (tens of thousands of requests; the more code a subject runs, the more of them), shown by a cost that falls no further.
 */
async function warmUp(context, scenario, { contestant, target }) {
  const { options, warmed } = context;
  if (options.smoke && !scenario.warm) return;
  const load = { ...scenario.load, connections: scenario.load.connections ?? WARM_CONNECTIONS, rate: undefined, body: bodyOf(scenario, contestant.lane) };
  const path = `${contestant.id} ${scenario.unit}`;
  if (options.smoke) return void (await runLoad(context.upstream, target, { ...load, seconds: SMOKE_SECONDS }));
  if (warmed.has(path)) return void (await runLoad(context.upstream, target, { ...load, seconds: options.warmupSeconds }));
  warmed.add(path);
  let [served, steady, cheapestUs] = [0, 0, Number.POSITIVE_INFINITY];
  for (let segment = 0; segment < WARM_SEGMENTS; segment += 1) {
    const before = cpuOf(target.pid);
    const { completed } = await runLoad(context.upstream, target, { ...load, seconds: WARM_SEGMENT_SECONDS });
    const spentUs = (cpuOf(target.pid).ownNs - before.ownNs) / completed;
    served += completed;
    steady = spentUs > cheapestUs * STEADY_SHARE ? steady + 1 : 0;
    if (served >= WARM_REQUESTS[scenario.unit] && steady >= STEADY_SEGMENTS) return;
    cheapestUs = Math.min(cheapestUs, spentUs);
  }
}

async function inFreshProcess(context, scenario, contestant) {
  const running = await contestant.subject.start(context);
  try {
    return await measureMemory({ context, scenario, contestant, running });
  } finally {
    await running.stop();
  }
}

function shown(figures) {
  if (figures.fault !== undefined) return `no result: ${figures.fault}`;
  if (figures.perUnitKb !== undefined) return `${figures.perUnitKb.toFixed(0)} kB`;
  return `${figures.cpuUs.toFixed(1)} µs, ${Math.round(figures.perSecond)}/s, p99 ${figures.p99Ms.toFixed(2)} ms`;
}
