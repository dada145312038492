/** An answer of 1 kB at once. */
export const JSON_SCRIPT = 'b-0-0';
/** The same after 50 ms. */
const SLOW_SCRIPT = 'b-0-50';

/**
 * What is measured, as data. `script` is the upstream's model name: `b-<events>-<gap ms>`. A scenario's `unit` is what its CPU is
 * divided by; `lanes` are the protocols behind the gateway (the comparison subjects speak OpenAI's alone, and translate nothing).
 */
export const SCENARIOS = [
  {
    id: 'json-64',
    title: 'Answers of 1 kB, 64 connections, as fast as they are answered',
    unit: 'request',
    script: JSON_SCRIPT,
    load: { connections: 64 },
    lanes: ['openai'],
    strict: true,
  },
  {
    id: 'rate-200',
    title: 'Answers of 1 kB at a constant 200/s',
    unit: 'request',
    script: JSON_SCRIPT,
    load: { rate: 200 },
    lanes: ['openai'],
    strict: true,
    latency: true,
  },
  {
    id: 'rate-200-slow',
    title: 'Answers of 1 kB at a constant 200/s from an upstream that takes 50 ms',
    unit: 'request',
    script: SLOW_SCRIPT,
    load: { rate: 200 },
    lanes: ['openai'],
    latency: true,
  },
  {
    id: 'rate-1000-slow',
    title: 'Answers of 1 kB at a constant 1,000/s from an upstream that takes 50 ms',
    unit: 'request',
    script: SLOW_SCRIPT,
    load: { rate: 1_000 },
    lanes: ['openai'],
    latency: true,
  },
  {
    id: 'rate-1000',
    title: 'Answers of 1 kB at a constant 1,000/s',
    unit: 'request',
    script: JSON_SCRIPT,
    load: { rate: 1_000 },
    lanes: ['openai'],
    strict: true,
    latency: true,
  },
  {
    id: 'streams-saturated',
    title: 'Streams of 100 events that run together, 32 at a time, as fast as they are passed on',
    unit: 'event',
    script: 'b-100-0',
    load: { connections: 32, events: 100, stream: true },
    lanes: ['openai', 'anthropic', 'gemini'],
  },
  {
    id: 'streams-1ms',
    title: '64 streams of 100 events, 1 ms apart',
    unit: 'event',
    script: 'b-100-1',
    load: { connections: 64, events: 100, stream: true },
    lanes: ['openai', 'anthropic'],
  },
  {
    id: 'streams-20ms',
    title: '500 streams of 50 events, 20 ms apart',
    unit: 'event',
    script: 'b-50-20',
    load: { connections: 500, events: 50, stream: true },
    lanes: ['openai', 'anthropic'],
  },
  {
    id: 'idle-streams',
    title: 'Memory of 5,000 streams that wait for their second event, in a fresh process',
    unit: 'stream',
    script: 'b-2-600000',
    load: { hold: 5_000, events: 2, stream: true },
    lanes: ['openai'],
    memory: true,
  },
  {
    id: 'images-1mb',
    title: 'Prompts of 1 MB with an image, 8 connections',
    unit: 'request',
    script: JSON_SCRIPT,
    prompt: 'image',
    load: { connections: 8 },
    lanes: ['openai'],
  },
  {
    id: 'keys-10000',
    title: '10,000 keys in turn, 64 connections',
    unit: 'request',
    script: JSON_SCRIPT,
    keys: 10_000,
    load: { connections: 64 },
    lanes: ['openai'],
  },
  {
    id: 'failover-storm',
    title: 'The first provider refuses everything (503), the second answers, 64 connections',
    unit: 'request',
    script: JSON_SCRIPT,
    load: { connections: 64 },
    lanes: ['failover'],
    // Until the dead one's circuit is open requests are refused: no more than a fifth of them may be tried again.
    warm: true,
    asksAtMost: 1.2,
    subjects: ['node-http', 'nest', 'gateway'],
  },
  {
    id: 'redis-limits',
    title: 'Limits counted in Redis, 64 connections',
    unit: 'request',
    script: JSON_SCRIPT,
    load: { connections: 64 },
    lanes: ['openai'],
    subjects: ['node-http', 'nest', 'gateway', 'gateway-redis'],
  },
  {
    id: 'two-workers',
    title: 'One process on one core, database included, and two workers on both, which upstream and load generator share with them, 64 connections',
    unit: 'request',
    script: JSON_SCRIPT,
    load: { connections: 64, yielding: true },
    lanes: ['openai'],
    subjects: ['gateway-one', 'gateway-alone', 'gateway-both', 'gateway-two'],
  },
];

export const LANES = ['openai', 'anthropic', 'gemini'];
/** Lanes of the gateway alone: a first provider that refuses everything stands before the one that answers. */
export const FAILOVER_LANE = 'failover';
/** A picture of so many bytes in base64: with the rest, a prompt of 1 MB. */
const IMAGE_BASE64_BYTES = 1_000_000;

/** The same body for everyone: the gateway knows the model by this name, the upstream reads what stands behind the slash. */
export function bodyOf(scenario, lane) {
  return JSON.stringify({
    model: publicModel(scenario.script, lane),
    messages: [
      { role: 'system', content: 'You are a helpful assistant. Answer briefly, and in the language of the question.' },
      { role: 'user', content: contentOf(scenario) },
    ],
    temperature: 0.7,
    max_tokens: 256,
    ...(scenario.load.stream ? { stream: true } : {}),
  });
}

function contentOf({ prompt }) {
  const text = 'What does a gateway between a program and the model that serves it have to do, and what must it never do?';
  if (prompt !== 'image') return text;
  return [
    { type: 'text', text },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgoAAAAN'.repeat(IMAGE_BASE64_BYTES / 16)}` } },
  ];
}

export function publicModel(script, lane) {
  return `bench-${lane}/${script}`;
}
