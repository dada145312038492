/**
 * A long run: `npm run bench -- --soak [--rate 1000 | --requests 1000000] [--seconds 300]`. Does memory stay flat, is all work
 * done when the load ends (journal, log, queue), and does the ledger hold?
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { runLoad } from './harness/native.mjs';
import { cpuOf, residentBytes } from './harness/processes.mjs';
import { bodyOf, SCENARIOS } from './harness/scenarios.mjs';
import { startGateway } from './harness/subjects.mjs';

const SAMPLE_MS = 2_000;
/** Caches fill, V8 compiles: what memory does before this share of the run says nothing of the slope. */
const WARM_SHARE = 0.3;
const BACKLOG_DEADLINE_MS = 10_000;
const CONNECTIONS = 64;
const BACKLOG = ['og_ledger_unposted_requests', 'og_ledger_open_holds', 'og_log_queue_depth'];

/** Prints Markdown; resolves with false when something is left over, an answer failed or the ledger does not hold. */
export async function soak(context, { rate, requests, seconds }) {
  const scenario = SCENARIOS.find(({ id }) => id === 'json-64');
  const running = await startGateway({ ...context, lease: true });
  try {
    const samples = [];
    const startedMs = Date.now();
    const timer = setInterval(() => samples.push({ atS: (Date.now() - startedMs) / 1_000, bytes: residentBytes(running.pid) }), SAMPLE_MS);
    const total = { completed: 0, failed: 0, seconds: 0, p99Ms: 0, fault: '' };
    const cpu = cpuOf(running.pid);
    // In slices, so that the load generator's own samples stay small and a million requests end when they are done.
    while (rate === undefined ? total.completed < requests : total.seconds < seconds - 1) {
      const slice = rate === undefined ? { connections: CONNECTIONS, seconds: 10 } : { rate, seconds: Math.min(60, seconds - total.seconds) };
      const result = await runLoad(context.upstream, running, { ...slice, body: bodyOf(scenario, 'openai') });
      total.completed += result.completed;
      total.failed += result.failed + result.unfinished;
      total.seconds += result.seconds;
      total.p99Ms = Math.max(total.p99Ms, result.latency_us.p99 / 1_000);
      total.fault ||= result.fault;
      context.note(`soak: ${total.completed} requests, ${total.failed} failed, p99 ${(result.latency_us.p99 / 1_000).toFixed(2)} ms, RSS ${(residentBytes(running.pid) / 1e6).toFixed(0)} MB`);
      if (total.completed === 0) break;
    }
    clearInterval(timer);
    const left = await backlogOf(running);
    const used = cpuOf(running.pid);
    const verified = await running.verify();
    const cpuUs = (used.ownNs - cpu.ownNs) / total.completed / 1_000;
    process.stdout.write(render({ total, rate, samples, left, verified, cpuUs, databaseUs: (used.databaseNs - cpu.databaseNs) / total.completed / 1_000 }));
    return total.failed === 0 && left.every(({ value }) => value === 0) && verified.ok === true && verified.drift_nano_usd === 0 && verified.open_holds === 0;
  } finally {
    await running.stop();
  }
}

/** How long after the last answer everything was written, and what was left if it never was. */
async function backlogOf(running) {
  const endedMs = Date.now();
  for (;;) {
    const text = await (await fetch(`${running.url}/metrics`)).text();
    const left = BACKLOG.map((name) => ({ name, value: sumOf(text, name) }));
    const afterMs = Date.now() - endedMs;
    if (left.every(({ value }) => value === 0) || afterMs > BACKLOG_DEADLINE_MS) return left.map((entry) => ({ ...entry, afterMs }));
    await sleep(100);
  }
}

function sumOf(text, name) {
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0);
}

function render({ total, rate, samples, left, verified, cpuUs, databaseUs }) {
  const late = samples.slice(Math.floor(samples.length * WARM_SHARE));
  const [first, last] = [late[0], late.at(-1)].map((sample) => (sample === undefined ? 'none' : (sample.bytes / 1e6).toFixed(0)));
  const rows = [
    ['requests', `${total.completed.toLocaleString('en-US')} in ${total.seconds.toFixed(0)} s${rate === undefined ? ` (${CONNECTIONS} connections)` : ` (${rate}/s)`}, ${total.failed} failed ${total.fault}`],
    ['highest p99 of a minute', `${total.p99Ms.toFixed(2)} ms`],
    ['CPU of a request', `${cpuUs.toFixed(1)} µs, PostgreSQL ${databaseUs.toFixed(1)} µs`],
    ['resident memory after warm-up, at the end', `${first} MB, ${last} MB`],
    ['slope of resident memory after warm-up', `${slopeOf(late).toFixed(2)} MB a minute`],
    ...left.map(({ name, value, afterMs }) => [name, `${value} (${afterMs} ms after the last answer)`]),
    ['ledger', `${verified.ok ? 'ok' : '**not ok**'}, drift ${verified.drift_nano_usd} nano-USD, ${verified.open_holds} open holds, ${verified.transactions} transactions`],
  ];
  return ['| soak | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${value.trim()} |`), ''].join('\n');
}

/** Least squares, MB a minute. */
function slopeOf(samples) {
  const count = samples.length;
  if (count < 2) return 0;
  const meanX = samples.reduce((sum, { atS }) => sum + atS, 0) / count;
  const meanY = samples.reduce((sum, { bytes }) => sum + bytes, 0) / count;
  const over = samples.reduce((sum, { atS, bytes }) => sum + (atS - meanX) * (bytes - meanY), 0);
  const under = samples.reduce((sum, { atS }) => sum + (atS - meanX) ** 2, 0);
  return ((over / under) * 60) / 1e6;
}
