/** The upstream and the load generator: C, compiled when the bench starts. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstLine, onCore } from './processes.mjs';

const SOURCES = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const INSTALL_DEADLINE_MS = 300_000;
const LOAD_GRACE_MS = 40_000;

/** Throws an Error with one line for a person when there is no compiler and none can be had. */
export function compileTools(directory) {
  const compiler = findCompiler();
  for (const name of ['upstream', 'load']) {
    const { status, stderr } = spawnSync(compiler, ['-O2', '-o', join(directory, name), join(SOURCES, `${name}.c`)], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name}.c could not be compiled:\n${stderr}`);
  }
}

function findCompiler() {
  const found = ['cc', 'gcc', 'clang'].find(has);
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && has('apt-get')) {
    console.error('Installing a C compiler …');
    const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: INSTALL_DEADLINE_MS };
    const install = ['install', '-y', '-qq', '--no-install-recommends', 'gcc', 'libc6-dev'];
    if (spawnSync('apt-get', install, options).status !== 0) spawnSync('apt-get', ['update', '-qq'], options);
    if (has('gcc') || spawnSync('apt-get', install, options).status === 0) return 'gcc';
  }
  throw new Error('the bench needs a C compiler (Debian: apt-get install gcc libc6-dev)');
}

export function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

export async function startUpstream(directory) {
  const [program, ...args] = onCore('others', [join(directory, 'upstream')]);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number((await firstLine(child, /^listening (\d+)$/m))[1]);
  return { pid: child.pid, port, url: `http://127.0.0.1:${port}`, stop: () => child.kill('SIGTERM') };
}

/** `{requests, finished, aborted, events, opened, open}`: what the upstream has been asked since it started. */
export async function upstreamStats(upstream) {
  const answer = await fetch(`${upstream.url}/stats`, { signal: AbortSignal.timeout(10_000) });
  return answer.json();
}

/** Runs the load to its end and reads its figures. */
export async function runLoad(directory, target, load) {
  const child = spawnLoad(directory, target, load);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const late = setTimeout(() => child.kill('SIGKILL'), load.seconds * 1_000 + LOAD_GRACE_MS);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(late);
  if (code !== 0) throw new Error(`the load generator ended with ${code}`);
  return JSON.parse(output);
}

/** Opens streams that stay; `release` lets them go. */
export async function holdStreams(directory, target, load) {
  const child = spawnLoad(directory, target, load);
  const ended = new Promise((resolve) => child.once('close', resolve));
  await firstLine(child, /^held$/m);
  return {
    release: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function spawnLoad(directory, target, { body, ...load }) {
  // With keys of its own every request says who it is.
  const headers = load.keys === undefined ? target.headers : target.headers.filter((header) => !header.startsWith('authorization:'));
  const bodyFile = join(directory, 'body.json');
  writeFileSync(bodyFile, body);
  const words = ['--port', target.port, '--body', bodyFile, ...headers.flatMap((header) => ['--header', header])];
  for (const [name, value] of Object.entries(load)) {
    if (value === true) words.push(`--${name}`);
    else if (value !== undefined) words.push(`--${name}`, value);
  }
  const [program, ...args] = onCore(target.sharesCore ? 'subject' : 'others', [join(directory, 'load'), ...words.map(String)]);
  return spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}
