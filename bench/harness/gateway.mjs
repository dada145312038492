/** The gateway as users run it: the built program, its embedded database, everything on; configured over its own admin API. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILOVER_LANE, JSON_SCRIPT, LANES, publicModel } from './scenarios.mjs';

const CALL_DEADLINE_MS = 30_000;
/** It reads every transaction: a million of them, while PostgreSQL tidies up after them. */
const VERIFY_DEADLINE_MS = 300_000;
const TYPES = { openai: 'openai-compatible', anthropic: 'anthropic-compatible', gemini: 'gemini' };
const CREDIT_USD = '1000000';
/** High enough never to refuse, set so that every window is counted. */
const LIMITS = { rpm: 10_000_000, tpm: 1_000_000_000_000, concurrency: 1_000_000 };

const KEYS_AT_ONCE = 16;

/** Providers, the models named by `scripts`, credit and a key. Answers `{key, makeKeys(count)}`. */
export async function configureGateway(url, dataDirectory, { upstreamPort, lease, scripts }) {
  const { admin_token: token } = JSON.parse(readFileSync(join(dataDirectory, 'bootstrap.json'), 'utf8'));
  const post = (path, body) => call(`${url}/admin/v1/${path}`, token, body);
  await post('apply', documentFor({ upstreamPort, lease, scripts }));
  const organization = await post('organizations', { name: 'Bench', limits: { rpm: LIMITS.rpm } });
  await post('credits', { organization_id: organization.id, amount_usd: CREDIT_USD, reason: 'benchmark' });
  const project = await post('projects', { organization_id: organization.id, name: 'Bench' });
  const makeKey = async () => {
    const { key } = await post('keys', { project_id: project.id, name: 'bench', limits: LIMITS, policy: { models: { allow: ['bench-*/*'] } } });
    return key;
  };
  return { key: await makeKey(), makeKeys: (count) => makeMany(count, makeKey) };
}

/** A few at a time: they are made by the gateway that is measured afterwards. */
async function makeMany(count, make) {
  const made = [];
  while (made.length < count) made.push(...(await Promise.all(Array.from({ length: Math.min(KEYS_AT_ONCE, count - made.length) }, make))));
  return made;
}

/** `{ok, drift_nano_usd, open_holds, …}`: asked at the end, because a fast gateway that loses money is no result. */
export async function verifyLedger(url, dataDirectory) {
  const { admin_token: token } = JSON.parse(readFileSync(join(dataDirectory, 'bootstrap.json'), 'utf8'));
  return call(`${url}/admin/v1/ledger/verify`, token, undefined, VERIFY_DEADLINE_MS);
}

function documentFor({ upstreamPort, lease, scripts }) {
  const provider = (lane, type) => ({
    id: `bench-${lane}`,
    type,
    base_url: `http://127.0.0.1:${upstreamPort}`,
    credentials: [{ id: 'main', key: 'benchmark' }],
    timeouts: { first_byte: '15m', idle: '15m', total: '1h' },
  });
  const model = (script, lane, serve) => ({
    id: publicModel(script, lane),
    serve,
    price: { input: '0.15', output: '0.60' },
    capabilities: { streaming: true, tools: true, vision: true, context_window: 2_000_000, max_output: 16_384 },
  });
  const inOrder = [{ provider: `bench-${FAILOVER_LANE}`, model: 'e-503', priority: 0 }, { provider: 'bench-openai', model: JSON_SCRIPT, priority: 1 }];
  return {
    version: 1,
    ledger: { lease: lease ? 'on' : 'off' },
    providers: [...LANES.map((lane) => provider(lane, TYPES[lane])), provider(FAILOVER_LANE, TYPES.openai)],
    models: [
      ...LANES.flatMap((lane) => scripts.map((script) => model(script, lane, [{ provider: `bench-${lane}`, model: script }]))),
      model(JSON_SCRIPT, FAILOVER_LANE, inOrder),
    ],
  };
}

async function call(url, token, body, deadlineMs = CALL_DEADLINE_MS) {
  const answer = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(deadlineMs),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
}
