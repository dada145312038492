/** The upstream and the load generator, both ends of what is measured: C, compiled when the bench starts, one process. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onCore } from './processes.mjs';

const SOURCES = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const START_DEADLINE_MS = 10_000;
const INSTALL_DEADLINE_MS = 300_000;
const LOAD_GRACE_MS = 40_000;

/** Throws an Error with one line for a person when there is no compiler and none can be had. */
export function compileTools(directory) {
  const sources = ['ends', 'upstream', 'load'].map((name) => join(SOURCES, `${name}.c`));
  const { status, stderr } = spawnSync(findCompiler(), ['-O2', '-pthread', '-o', join(directory, 'ends'), ...sources], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the upstream and the load generator could not be compiled:\n${stderr}`);
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

/** `{directory, pid, port, url, say(line), hear(deadlineMs), stop()}`: a run of the load generator is a line that it is told, see native/ends.c. */
export async function startUpstream(directory) {
  const [program, ...args] = onCore('others', [join(directory, 'ends')]);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // Whoever waits for its next line is told that it has ended.
  child.stdin.on('error', () => undefined);
  const hear = (deadlineMs) => nextLine(child, lines, deadlineMs);
  const listening = /^listening (\d+)$/.exec(await hear(START_DEADLINE_MS));
  if (listening === null) throw new Error('the upstream did not start');
  const port = Number(listening[1]);
  const say = (line) => child.stdin.write(`${line}\n`);
  return { directory, pid: child.pid, port, url: `http://127.0.0.1:${port}`, say, hear, stop: () => child.kill('SIGTERM') };
}

/** When it is late, the process is ended: its line, should it come, would be taken for that of the next run. */
async function nextLine(child, lines, deadlineMs) {
  let late;
  const deadline = new Promise((_, reject) => {
    late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the load generator said nothing for ${deadlineMs} ms`));
    }, deadlineMs);
  });
  try {
    const { done, value } = await Promise.race([lines.next(), deadline]);
    if (done) throw new Error('upstream and load generator have ended');
    return value;
  } finally {
    clearTimeout(late);
  }
}

/** `{requests, finished, aborted, events, opened, open}`: what the upstream has been asked since it started. */
export async function upstreamStats(upstream) {
  const answer = await fetch(`${upstream.url}/stats`, { signal: AbortSignal.timeout(10_000) });
  return answer.json();
}

/** Runs the load to its end and reads its figures. */
export async function runLoad(upstream, target, load) {
  upstream.say(wordsOf(upstream, target, load));
  const answer = await upstream.hear(load.seconds * 1_000 + LOAD_GRACE_MS);
  if (!answer.startsWith('{')) throw new Error(`load generator: ${answer}`);
  return JSON.parse(answer);
}

/** Opens streams that stay; `release` lets them go. */
export async function holdStreams(upstream, target, load) {
  upstream.say(wordsOf(upstream, target, load));
  const answer = await upstream.hear(LOAD_GRACE_MS);
  if (answer !== 'held') throw new Error(`load generator: ${answer}`);
  return { release: () => upstream.say('') };
}

function wordsOf({ directory }, target, { body, ...load }) {
  // With keys of its own every request says who it is.
  const headers = load.keys === undefined ? target.headers : target.headers.filter((header) => !header.startsWith('authorization:'));
  const bodyFile = join(directory, 'body.json');
  writeFileSync(bodyFile, body);
  const words = ['--port', target.port, '--body', bodyFile, ...headers.flatMap((header) => ['--header', header])];
  for (const [name, value] of Object.entries(load)) {
    if (value === true) words.push(`--${name}`);
    else if (value !== undefined) words.push(`--${name}`, value);
  }
  return words.join('\t');
}
