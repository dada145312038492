#!/usr/bin/env node
/** `npm run bench`: what a request and an event cost, here against a bare proxy. See bench/README.md. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTools, startUpstream } from './harness/native.mjs';
import { parseOptions, USAGE } from './harness/options.mjs';
import { profileGateway } from './harness/profile.mjs';
import { renderReport } from './harness/report.mjs';
import { runScenario } from './harness/rounds.mjs';
import { soak } from './soak.mjs';
import { SUBJECTS, takesPart } from './harness/subjects.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'og-bench-'));
const toStop = [];
let stopping = null;

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().then(() => process.exit(1)));

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(USAGE);
  else await run(options);
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
} finally {
  await stop();
}

async function run(options) {
  compileTools(directory);
  const upstream = await startUpstream(directory);
  toStop.push(() => upstream.stop());
  const context = { directory, upstream, options, subjects: chosenSubjects(options), warmed: new Set(), note: (line) => console.error(line) };
  if (options.soak !== null) {
    if (!(await soak(context, options.soak))) process.exitCode = 1;
    return;
  }
  if (options.profile !== null) return profileGateway(context, { ...options.profile, outputDirectory: join(HERE, 'profiles') });
  const facts = { options, startedAt: new Date(), loadBefore: loadavg() };
  const running = await startSubjects(context);
  const results = [];
  for (const scenario of options.scenarios) results.push(await runScenario(context, scenario, running));
  const report = renderReport(results, { ...facts, loadAfter: loadavg(), ledgers: await verifyLedgers(running) });
  process.stdout.write(`${report}\n`);
  if (options.write) write(report, facts.startedAt);
  if (results.some(({ rows }) => rows.some((row) => row.rounds.some((round) => round.fault !== undefined)))) process.exitCode = 1;
}

function chosenSubjects({ subjects, peers }) {
  const here = SUBJECTS.filter((subject) => (subject.available?.() ?? true) && (peers || subject.peer !== true));
  return subjects === null
    ? here
    : here.filter((subject) => subject.id === 'node-http' || subjects.some((word) => subject.name.includes(word) || subject.id === word));
}

/** All stay up, so that they can take turns; what only the memory scenario needs is started by it. */
async function startSubjects(context) {
  const running = new Map();
  if (context.options.scenarios.every((scenario) => scenario.memory)) return running;
  await Promise.all(
    context.subjects.filter((subject) => context.options.scenarios.some((scenario) => !scenario.memory && takesPart(scenario, subject))).map(async (subject) => {
      const started = await subject.start(context);
      toStop.push(() => started.stop());
      running.set(subject.id, started);
      context.note(`${subject.name} is up`);
    }),
  );
  return running;
}

async function verifyLedgers(running) {
  const ledgers = [];
  for (const subject of SUBJECTS.filter(({ id, gateway }) => gateway && running.has(id))) {
    const { ok, drift_nano_usd: drift, open_holds: holds, transactions } = await running.get(subject.id).verify();
    ledgers.push({ name: subject.name, report: `${ok ? 'ok' : '**not ok**'}, drift ${drift} nano-USD, ${holds} open holds, ${transactions} transactions` });
  }
  return ledgers;
}

function write(report, startedAt) {
  const file = join(HERE, 'results', `${startedAt.toISOString().slice(0, 10)}.md`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, report);
  console.error(`written to ${file}`);
}

function stop() {
  stopping ??= (async () => {
    await Promise.allSettled(toStop.map((end) => end()));
    rmSync(directory, { recursive: true, force: true });
  })();
  return stopping;
}
