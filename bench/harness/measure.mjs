/** One measurement of one row, and whether it counts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { holdStreams, runLoad, upstreamStats } from './native.mjs';
import { cpuOf, loopDelay, residentBytes } from './processes.mjs';
import { bodyOf, JSON_SCRIPT } from './scenarios.mjs';

/** Before memory is read: a few requests, so that what is loaded at the first one is not counted; more would fill the young generation. */
const MEMORY_WARMUP = { connections: 8, seconds: 0.2 };
const MEMORY_REST_MS = 1_500;
const SMOKE_KEYS = 20;

/**
 * `{fault}` when the row is no result, else figures: CPU per unit (`cpuUs`, PostgreSQL's `databaseUs`), units per second, latencies,
 * event-loop delay, resident memory. CPU counts from before the first request until the work it left behind is done.
 */
export async function measureLoad({ context, scenario, contestant, running, seconds }) {
  const { upstream, options } = context;
  const load = { ...scenario.load, seconds, keys: await keysOf(scenario, running, options), body: bodyOf(scenario, contestant.lane) };
  if (running.child) await loopDelay(running.child);
  const before = { cpu: cpuOf(running.pid), upstream: await upstreamStats(upstream) };
  const result = await runLoad(upstream, running, load);
  const delay = running.child ? await loopDelay(running.child) : null;
  await sleep(options.settleMs);
  const after = { cpu: cpuOf(running.pid), upstream: await upstreamStats(upstream) };
  const fault = faultOf(result, { before: before.upstream, after: after.upstream, atMost: scenario.asksAtMost ?? 1 });
  if (fault !== null) return { fault };
  const units = scenario.unit === 'event' ? result.events : result.completed;
  return {
    cpuUs: (after.cpu.ownNs - before.cpu.ownNs) / units / 1_000,
    databaseUs: (after.cpu.databaseNs - before.cpu.databaseNs) / units / 1_000,
    perSecond: units / result.seconds,
    p50Ms: result.latency_us.p50 / 1_000,
    p99Ms: result.latency_us.p99 / 1_000,
    firstP50Ms: result.first_us.p50 / 1_000,
    firstP99Ms: result.first_us.p99 / 1_000,
    delayP99Ms: delay?.p99Ms ?? null,
    residentMb: running.pid === null ? null : residentBytes(running.pid) / 1e6,
  };
}

/** Who knows no keys is asked without. */
function keysOf({ keys }, running, { smoke }) {
  return keys === undefined ? undefined : running.keys?.(smoke ? SMOKE_KEYS : keys);
}

/** The upstream must have been asked exactly once per request (where a provider is dead: hardly more often), and every answer must have arrived whole. */
function faultOf(result, { before, after, atMost }) {
  if (result.started === 0) return 'nothing was asked';
  if (result.failed > 0 || result.unfinished > 0) return `${result.failed} of ${result.started} failed, ${result.unfinished} unfinished: ${result.fault}`;
  const asked = after.requests - before.requests;
  if (asked < result.completed || asked > result.completed * atMost) return `the upstream was asked ${asked} times for ${result.completed} requests`;
  return after.finished - before.finished === asked ? null : 'the upstream could not finish what it was asked';
}

/** Memory a waiting stream takes, in a process that has served a little and nothing else: `{perUnitKb, residentMb}` or `{fault}`. */
export async function measureMemory({ context, scenario, contestant, running }) {
  const { upstream, options } = context;
  const body = bodyOf(scenario, contestant.lane);
  const warm = { ...MEMORY_WARMUP, body: bodyOf({ ...scenario, script: JSON_SCRIPT, load: {} }, contestant.lane) };
  await runLoad(upstream, running, warm);
  await sleep(options.smoke ? 20 : MEMORY_REST_MS);
  const before = residentBytes(running.pid);
  const streams = await holdStreams(upstream, running, { ...scenario.load, body });
  await sleep(options.smoke ? 20 : MEMORY_REST_MS);
  const after = residentBytes(running.pid);
  streams.release();
  return { perUnitKb: (after - before) / scenario.load.hold / 1_024, residentMb: after / 1e6 };
}
