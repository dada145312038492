/** Who is measured: how each is started, and how it is asked. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { configureGateway, verifyLedger } from './gateway.mjs';
import { has } from './native.mjs';
import { endProcess, firstLine, onCore } from './processes.mjs';
import { JSON_SCRIPT } from './scenarios.mjs';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const LOOP_DELAY = join(ROOT, 'bench/harness/loop-delay.mjs');
/** What `npm start` gives the gateway; the others get the same. */
const NODE_FLAGS = ['--max-semi-space-size=64', '--enable-source-maps', '--import', LOOP_DELAY];
/** What the machine's own environment says about a gateway must not reach the one that is measured. */
const FOREIGN = /^(OG_|NODE_OPTIONS$|PORT$|HOST$|ROLES$|DATABASE_|REDIS_URL$|WEB_CONCURRENCY$|.*_API_KEY$|.*_PROXY$)/i;

export const SUBJECTS = [
  { id: 'nginx', name: 'nginx', available: () => has('nginx'), start: startNginx },
  { id: 'node-http', name: 'node:http + undici', start: (context) => startNode('node-http', context) },
  { id: 'fastify', name: 'minimal Fastify', start: (context) => startNode('fastify', context) },
  { id: 'nest', name: 'minimal Nest', start: (context) => startNode('nest', context) },
  { id: 'gateway', name: 'OpenGateway', gateway: true, start: (context) => startGateway({ ...context, lease: true }) },
  { id: 'gateway-strict', name: 'OpenGateway, strict ledger', gateway: true, strict: true, start: (context) => startGateway({ ...context, lease: false }) },
];

/** The rows of a scenario: a subject, and for us the protocol behind it. */
export function contestantsOf(scenario, subjects) {
  return subjects.flatMap((subject) => {
    if (subject.strict) return scenario.strict ? [{ id: subject.id, name: subject.name, subject, lane: 'openai' }] : [];
    const lanes = subject.gateway ? scenario.lanes : ['openai'];
    return lanes.map((lane) => ({
      id: lane === 'openai' ? subject.id : `${subject.id}-${lane}`,
      name: lane === 'openai' ? subject.name : `${subject.name}, from ${lane[0].toUpperCase()}${lane.slice(1)}`,
      subject,
      lane,
    }));
  });
}

export function nodeEnvironment(extra) {
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))), NODE_ENV: 'production', ...extra };
}

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

/** `extraFlags`: for the profiler. What it prints is read and kept only to explain a failed start. */
export async function startGateway({ upstream, directory, options, lease, extraFlags = [] }) {
  const home = mkdtempSync(join(directory, 'gateway-'));
  const env = nodeEnvironment({ HOST: '127.0.0.1', PORT: '0', OG_DATA_DIR: home, OG_DRAIN_TIMEOUT: '2s' });
  const [program, ...args] = onCore('subject', [process.execPath, ...NODE_FLAGS, ...extraFlags, 'dist/src/main.js']);
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-65_536)));
  try {
    const [, url] = await firstLine(child, /^OpenGateway is ready at (\S+)$/m);
    const scripts = [...new Set([JSON_SCRIPT, ...options.scenarios.map((scenario) => scenario.script)])];
    const key = await configureGateway(url, home, { upstreamPort: upstream.port, lease, scripts });
    return {
      child,
      pid: child.pid,
      url,
      port: Number(new URL(url).port),
      headers: [`authorization: Bearer ${key}`],
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

function freePort() {
  return new Promise((settle) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => settle(port));
    });
  });
}

async function answers(url) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`nothing answers at ${url}`);
}
