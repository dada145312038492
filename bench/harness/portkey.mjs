/** A peer that a user would pick, as npm installs it today, made to work: it is fetched on demand and is no dependency of ours. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, endProcess, freePort, nodeEnvironment, onCore } from './processes.mjs';

const VERSION = '1.15.2';
/** With the newest @hono/node-server that its range allows, its streams are answered 500 (2026-11-29). */
const SERVER_VERSION = '1.13.8';
const HOME = join(tmpdir(), `opengateway-bench-portkey-${VERSION}`);
const ENTRY = join(HOME, 'node_modules/@portkey-ai/gateway/build/start-server.js');
const INSTALL_DEADLINE_MS = 180_000;

export async function startPortkey({ upstream }) {
  install();
  const port = await freePort();
  const env = nodeEnvironment({ TRUSTED_CUSTOM_HOSTS: '127.0.0.1' });
  const [program, ...args] = onCore('subject', [process.execPath, '--max-semi-space-size=64', '--no-allocation-site-pretenuring', '--no-parallel-scavenge', ENTRY, `--port=${port}`, '--headless']);
  const child = spawn(program, args, { cwd: HOME, env, stdio: ['ignore', 'ignore', 'inherit'] });
  await answers(`http://127.0.0.1:${port}/`);
  const headers = ['x-portkey-provider: openai', `x-portkey-custom-host: ${upstream.url}/v1`, 'authorization: Bearer benchmark'];
  return { child, pid: child.pid, port, headers, stop: () => endProcess(child) };
}

function install() {
  if (existsSync(ENTRY)) return;
  mkdirSync(HOME, { recursive: true });
  const manifest = { private: true, dependencies: { '@portkey-ai/gateway': VERSION }, overrides: { '@hono/node-server': SERVER_VERSION } };
  writeFileSync(join(HOME, 'package.json'), JSON.stringify(manifest));
  const options = { cwd: HOME, stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_DEADLINE_MS };
  const { status } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], options);
  if (status !== 0) throw new Error('Portkey could not be installed');
}
