/** Who is measured: how each is started, and how it is asked. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configureGateway, verifyLedger } from './gateway.mjs';
import { has } from './native.mjs';
import { startPortkey } from './portkey.mjs';
import { answers, endProcess, firstLine, freePort, moveDatabase, nodeEnvironment, onCore } from './processes.mjs';
import { FAILOVER_LANE, JSON_SCRIPT } from './scenarios.mjs';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const LOOP_DELAY = join(ROOT, 'bench/harness/loop-delay.mjs');
/** What `npm start` gives the gateway; the others get the same. */
const NODE_FLAGS = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring', '--no-parallel-scavenge', '--enable-source-maps', '--import', LOOP_DELAY];

export const SUBJECTS = [
  { id: 'nginx', name: 'nginx', available: () => has('nginx'), start: startNginx },
  { id: 'node-http', name: 'node:http + undici', start: (context) => startNode('node-http', context) },
  { id: 'fastify', name: 'minimal Fastify', start: (context) => startNode('fastify', context) },
  { id: 'nest', name: 'minimal Nest', start: (context) => startNode('nest', context) },
  { id: 'gateway', name: 'OpenGateway', gateway: true, start: (context) => startGateway({ ...context, lease: true }) },
  // Only where a scenario names them.
  {
    id: 'gateway-one',
    name: 'OpenGateway, one process on one core',
    gateway: true,
    named: true,
    start: (context) => startGateway({ ...context, lease: true, core: 'whole' }),
  },
  {
    id: 'gateway-alone',
    name: 'OpenGateway, one process, and upstream and load generator with it on the one core',
    gateway: true,
    named: true,
    start: async (context) => ({ ...(await startGateway({ ...context, lease: true, core: 'whole' })), sharesCore: true }),
  },
  {
    id: 'gateway-both',
    name: 'OpenGateway, one process on both cores',
    gateway: true,
    named: true,
    start: (context) => startGateway({ ...context, lease: true, core: 'any' }),
  },
  {
    id: 'gateway-two',
    name: 'OpenGateway, two workers on both cores',
    gateway: true,
    named: true,
    start: (context) => startGateway({ ...context, lease: true, core: 'any', env: { WEB_CONCURRENCY: '2' } }),
  },
  {
    id: 'gateway-redis',
    name: 'OpenGateway, limits in Redis',
    gateway: true,
    named: true,
    available: () => has('redis-server'),
    start: async (context) => withRedis(context, (url) => startGateway({ ...context, lease: true, env: { REDIS_URL: url } })),
  },
  { id: 'portkey', name: 'Portkey', peer: true, start: (context) => startPortkey(context) },
  { id: 'gateway-strict', name: 'OpenGateway, strict ledger', gateway: true, strict: true, start: (context) => startGateway({ ...context, lease: false }) },
];

/** Who takes part in a scenario: those it names, or everybody who does not wait to be named. */
export function takesPart(scenario, subject) {
  return scenario.subjects === undefined ? subject.named !== true : scenario.subjects.includes(subject.id);
}

/** The rows of a scenario: a subject, and for us the protocol behind it. */
export function contestantsOf(scenario, subjects) {
  return subjects.filter((subject) => takesPart(scenario, subject)).flatMap((subject) => {
    if (subject.strict) return scenario.strict ? [{ id: subject.id, name: subject.name, subject, lane: 'openai' }] : [];
    const lanes = subject.gateway ? scenario.lanes : ['openai'];
    return lanes.map((lane) => ({
      id: PLAIN_LANES.has(lane) ? subject.id : `${subject.id}-${lane}`,
      name: PLAIN_LANES.has(lane) ? subject.name : `${subject.name}, from ${lane[0].toUpperCase()}${lane.slice(1)}`,
      subject,
      lane,
    }));
  });
}

/** Lanes in which nothing is translated. */
const PLAIN_LANES = new Set(['openai', FAILOVER_LANE]);

async function startNode(name, { upstream }) {
  const env = nodeEnvironment({ BENCH_UPSTREAM: upstream.url });
  const [program, ...args] = onCore('subject', [process.execPath, ...NODE_FLAGS, join(ROOT, `bench/subjects/${name}.mjs`)]);
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const [, url] = await firstLine(child, /^ready (\S+)$/m);
  return { child, pid: child.pid, port: Number(new URL(url).port), headers: [], stop: () => endProcess(child) };
}

async function startNginx({ upstream, directory }) {
  const home = mkdtempSync(join(directory, 'nginx-'));
  const port = await freePort();
  const template = readFileSync(join(ROOT, 'bench/subjects/nginx.conf'), 'utf8');
  const values = { port, upstream: `127.0.0.1:${upstream.port}`, directory: home };
  writeFileSync(
    join(home, 'nginx.conf'),
    template.replace(/\$\{(\w+)\}/g, (_, name) => values[name]),
  );
  const [program, ...args] = onCore('subject', ['nginx', '-e', join(home, 'error.log'), '-c', join(home, 'nginx.conf')]);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await answers(`http://127.0.0.1:${port}/stats`);
  return { child, pid: child.pid, port, headers: [], stop: () => endProcess(child) };
}

/** A Redis of its own for one gateway, ended with it. */
async function withRedis({ directory }, start) {
  const port = await freePort();
  const words = ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory];
  const [program, ...args] = onCore('others', words);
  const redis = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    const started = await start(`redis://127.0.0.1:${port}`);
    return { ...started, stop: () => started.stop().finally(() => endProcess(redis)) };
  } catch (error) {
    await endProcess(redis);
    throw error;
  }
}

/**
 * `core`: `subject` (its own processes on the subject's core), `whole` (its database, too), `any`. `extraFlags`: for the profiler.
 * What it prints is read and kept only to explain a failed start.
 */
export async function startGateway({ upstream, directory, options, lease, extraFlags = [], env: extra = {}, core = 'subject' }) {
  const home = mkdtempSync(join(directory, 'gateway-'));
  const env = nodeEnvironment({ HOST: '127.0.0.1', PORT: '0', OG_DATA_DIR: home, OG_DRAIN_TIMEOUT: '2s', ...extra });
  const [program, ...args] = onCore(core, [process.execPath, ...NODE_FLAGS, ...extraFlags, 'dist/src/main.js']);
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-65_536)));
  try {
    const [, url] = await firstLine(child, /^OpenGateway is ready at (\S+)$/m);
    if (core === 'subject') moveDatabase(child.pid);
    const scripts = [...new Set([JSON_SCRIPT, ...options.scenarios.map((scenario) => scenario.script)])];
    const { key, makeKeys } = await configureGateway(url, home, { upstreamPort: upstream.port, lease, scripts });
    return {
      child,
      pid: child.pid,
      url,
      port: Number(new URL(url).port),
      headers: [`authorization: Bearer ${key}`],
      keys: keysFile(directory, makeKeys),
      errors: () => errors,
      verify: () => verifyLedger(url, home),
      stop: async () => {
        await endProcess(child);
        rmSync(home, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await endProcess(child);
    throw new Error(`the gateway did not start: ${error.message}\n${errors}`, { cause: error });
  }
}

/** A file of so many keys for the load generator, made once. */
function keysFile(directory, makeKeys) {
  let made = null;
  return (count) => {
    made ??= makeKeys(count).then((keys) => {
      const file = join(mkdtempSync(join(directory, 'keys-')), 'keys');
      writeFileSync(file, keys.join('\n'));
      return file;
    });
    return made;
  };
}
