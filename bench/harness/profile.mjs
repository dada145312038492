/** Where the gateway's time goes under one scenario: sampled by V8 in the steady state, told by function and by module. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLoad } from './native.mjs';
import { bodyOf } from './scenarios.mjs';
import { startGateway } from './subjects.mjs';

const SAMPLE_US = 200;
/**
 * A longer gap between two samples is time in which another process had the core: not what the function took. A collection of
 * garbage is one long sample by nature.
 */
const longestOf = (node) => (node.callFrame.functionName === '(garbage collector)' ? Number.POSITIVE_INFINITY : 2 * SAMPLE_US);
const TOP = 40;
const WARM_SECONDS = 20;
const NOT_WORK = new Set(['(idle)', '(root)']);
const CALL_DEADLINE_MS = 60_000;

export async function profileGateway(context, { scenario, lane, strict, outputDirectory }) {
  const { upstream, options } = context;
  const running = await startGateway({ ...context, lease: !strict, extraFlags: ['--inspect=127.0.0.1:0'] });
  try {
    const load = { ...scenario.load, hold: undefined, body: bodyOf(scenario, lane) };
    if (scenario.memory) throw new Error('there is nothing to profile while streams wait');
    const address = /ws:\/\/\S+/.exec(running.errors())?.[0];
    const debuggerLink = await connect(address);
    if (!options.smoke) await runLoad(upstream, running, { ...load, rate: undefined, connections: load.connections ?? 64, seconds: WARM_SECONDS });
    await debuggerLink.call('Profiler.enable');
    await debuggerLink.call('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await debuggerLink.call('Profiler.start');
    const result = await runLoad(upstream, running, { ...load, seconds: options.seconds });
    const { profile } = await debuggerLink.call('Profiler.stop');
    debuggerLink.close();
    mkdirSync(outputDirectory, { recursive: true });
    const file = join(outputDirectory, `${scenario.id}-${lane}${strict ? '-strict' : ''}.cpuprofile`);
    writeFileSync(file, JSON.stringify(profile));
    process.stdout.write(
      `${summarize(profile, { scenario, result })}\n\nThe profile is in ${file}: speedscope.app or Chrome's performance panel draw it as a flame graph.\n`,
    );
  } finally {
    await running.stop();
  }
}

async function connect(address) {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`no debugger at ${address}`)), { once: true });
  });
  const waiting = new Map();
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    if (error !== undefined) waiting.get(id)?.reject(new Error(error.message));
    else waiting.get(id)?.resolve(result);
  });
  let last = 0;
  return {
    call: (method, params = {}) => {
      last += 1;
      const id = last;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`${method}: no answer`)), CALL_DEADLINE_MS);
        waiting.set(id, { resolve: (value) => (clearTimeout(late), resolve(value)), reject });
      });
    },
    close: () => socket.close(),
  };
}

function summarize(profile, { scenario, result }) {
  const self = selfTimes(profile);
  const working = [...self].filter(([node]) => !NOT_WORK.has(node.callFrame.functionName));
  const totalUs = working.reduce((sum, [, us]) => sum + us, 0);
  const units = scenario.unit === 'event' ? result.events : result.completed;
  const line = ([name, us]) => `| ${((us / totalUs) * 100).toFixed(1)} % | ${(us / units).toFixed(2)} | ${name} |`;
  const head = [`| of the CPU | µs per ${scenario.unit} | |`, '|---|---|---|'];
  const places = new Places();
  return [
    `## ${scenario.title}: ${(totalUs / units).toFixed(1)} µs per ${scenario.unit} (with the profiler on; JavaScript's thread alone)`,
    '',
    '### By function, its own time',
    '',
    ...head,
    ...ranked(working, (frame) => `\`${frame.functionName || '(anonymous)'}\` ${places.of(frame)}`)
      .slice(0, TOP)
      .map(line),
    '',
    '### By function of ours, with all it calls',
    '',
    ...head,
    ...inclusive(profile, self)
      .map(([frame, us]) => [`\`${frame.functionName || '(anonymous)'}\` ${places.of(frame)}`, us])
      .filter(([name]) => name.includes(' src/'))
      .slice(0, TOP)
      .map(line),
    '',
    '### By module, own time',
    '',
    ...head,
    ...ranked(working, (frame) => moduleOf(places.of(frame)) || frame.functionName)
      .slice(0, TOP)
      .map(line),
  ].join('\n');
}

function selfTimes({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  samples.forEach((id, index) => {
    const node = byId.get(id);
    self.set(node, (self.get(node) ?? 0) + Math.min(Math.max(0, timeDeltas[index]), longestOf(node)));
  });
  return self;
}

/** `[frame, us]`, most first; a function that calls itself counts once. */
function inclusive({ nodes }, self) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const sums = new Map();
  const walk = (node, above) => {
    const { functionName, scriptId, lineNumber, columnNumber } = node.callFrame;
    const key = `${functionName}:${scriptId}:${lineNumber}:${columnNumber}`;
    const inner = new Set(above).add(key);
    const us = (node.children ?? []).reduce((sum, id) => sum + walk(byId.get(id), inner), self.get(node) ?? 0);
    if (!above.has(key)) sums.set(key, [node.callFrame, (sums.get(key)?.[1] ?? 0) + us]);
    return us;
  };
  walk(nodes[0], new Set());
  return [...sums.values()].toSorted((left, right) => right[1] - left[1]);
}

function ranked(entries, nameOf) {
  const sums = new Map();
  for (const [node, us] of entries) {
    const name = nameOf(node.callFrame);
    sums.set(name, (sums.get(name) ?? 0) + us);
  }
  return [...sums].toSorted((left, right) => right[1] - left[1]);
}

/** The folder of our own code, the package of others', `node:…` of the runtime. */
function moduleOf(place) {
  const packaged = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(place);
  if (packaged !== null) return packaged[1];
  if (place.startsWith('node:')) return place.replace(/:\d+$/, '');
  return place.replace(/\/[^/]+$/, '');
}

/** Where a frame stands in the source, not in what swc made of it. */
class Places {
  #maps = new Map();

  of({ url, lineNumber, columnNumber }) {
    if (!url.startsWith('file:')) return url === '' ? '' : `${url}:${lineNumber + 1}`;
    const file = fileURLToPath(url);
    const short = file.replace(/^.*\/dist\//, '').replace(/^.*\/node_modules\//, 'node_modules/');
    const entry = this.#mapOf(file)?.findEntry(lineNumber, columnNumber);
    if (entry?.originalLine === undefined) return `${short}:${lineNumber + 1}`;
    return `${short.replace(/\.js$/, '.ts')}:${entry.originalLine + 1}`;
  }

  #mapOf(file) {
    if (!this.#maps.has(file)) this.#maps.set(file, file.includes('/dist/src/') ? readMap(file) : null);
    return this.#maps.get(file);
  }
}

function readMap(file) {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  } catch {
    return null;
  }
}
