/** The order of things: subjects stay up, take turns within each round, and every figure is a median over the rounds. */
import { runLoad } from './native.mjs';
import { measureLoad, measureMemory } from './measure.mjs';
import { bodyOf } from './scenarios.mjs';
import { contestantsOf } from './subjects.mjs';

const DIRECT = { id: 'direct', name: 'straight to the upstream', lane: 'openai', subject: { id: 'direct' } };

/** `[{scenario, rows: [{contestant, rounds: [figures or {fault}]}]}]`; `running` holds the started subjects by id. */
export async function runScenario(context, scenario, running) {
  const rows = rowsOf(context, scenario).map((contestant) => ({ contestant, rounds: [] }));
  for (let round = 0; round < context.options.rounds; round += 1) {
    for (let turn = 0; turn < rows.length; turn += 1) {
      const row = rows[(turn + round) % rows.length];
      const started = Date.now();
      row.rounds.push(await takeTurn(context, scenario, { row, running, first: round === 0 }));
      context.note(`${scenario.id} · round ${round + 1} · ${row.contestant.name}: ${shown(row.rounds.at(-1))} (${((Date.now() - started) / 1_000).toFixed(1)} s)`);
    }
  }
  return { scenario, rows };
}

function rowsOf(context, scenario) {
  const contestants = contestantsOf(scenario, context.subjects);
  return scenario.latency ? [DIRECT, ...contestants] : contestants;
}

async function takeTurn(context, scenario, { row: { contestant }, running, first }) {
  try {
    if (scenario.memory) return await inFreshProcess(context, scenario, contestant);
    const target = contestant.id === 'direct' ? { port: context.upstream.port, headers: [], pid: context.upstream.pid, child: null } : running.get(contestant.subject.id);
    const { options } = context;
    await warmUp(context, scenario, { contestant, target, seconds: first ? options.firstWarmupSeconds : options.warmupSeconds });
    return await measureLoad({ context, scenario, contestant, running: target, seconds: options.seconds });
  } catch (error) {
    return { fault: error.message };
  }
}

/** As many as it can serve: compiled code and filled pools, whatever rate is measured afterwards. */
async function warmUp(context, scenario, { contestant, target, seconds }) {
  if (seconds === 0) return;
  const load = scenario.load.rate === undefined ? scenario.load : { connections: 64 };
  await runLoad(context.directory, target, { ...load, seconds, body: bodyOf(scenario, contestant.lane) });
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
