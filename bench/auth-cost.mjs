/**
 * What authentication, policy and limits cost a request, in µs of one core. Prints only.
 * `npm run build && node_modules/.bin/node bench/auth-cost.mjs`
 */
import { decide } from '../dist/src/core/policy/index.js';
import { KeyDirectory, KEY_DIGEST_PURPOSE } from '../dist/src/auth/keys/key-directory.js';
import { KeyLoader } from '../dist/src/auth/keys/key-loader.js';
import { Limits } from '../dist/src/auth/limits/limits.js';
import { MemoryLimitStore } from '../dist/src/auth/limits/memory-limit-store.js';
import { SystemClock } from '../dist/src/platform/clock/index.js';
import { generateToken, Secrets } from '../dist/src/platform/secrets/index.js';

const ROUNDS = 200_000;
const REPEATS = 5;
const KEYS = 1_000;

const secrets = new Secrets('42'.repeat(32));
const clock = new SystemClock();
const keys = Array.from({ length: KEYS }, () => generateToken('sk-og'));
const layer = (id, limits) => ({ id, name: id, policy: { models: { allow: ['sandbox/*', 'anthropic/*'], deny: ['*-preview'] } }, limits, budget: null, budget_type: null, changed_us: 1 });

class FilledLoader extends KeyLoader {
  all() {
    return Promise.resolve({
      organizations: [layer('default', { rpm: 10_000_000, tpm: 1_000_000_000_000 })],
      projects: [{ ...layer('default', {}), organization_id: 'default', zone: null, timezone: 'UTC', currency: 'USD' }],
      keys: keys.map((key, index) => ({
        ...layer(`key_${index}`, { rpm: 10_000_000, tpm: 1_000_000_000_000, concurrency: 1_000_000 }),
        project_id: 'default',
        expires_at: null,
        revoked_at: null,
        secrets: [{ digest: secrets.digest(KEY_DIGEST_PURPOSE, key), ends_ms: null }],
      })),
      cursor: '1',
    });
  }
}

const directory = new KeyDirectory(new FilledLoader(null), secrets, clock, { failed() {}, unreadable() {} });
await directory.reload();
const limits = new Limits(new MemoryLimitStore(clock), clock, { limited() {} });

/** A client's usual headers. */
const requests = keys.map((key) => {
  const rawHeaders = ['host', 'localhost', 'connection', 'keep-alive', 'accept', 'application/json', 'content-type', 'application/json', 'user-agent', 'OpenAI/JS 7.55.0', 'x-stainless-lang', 'js', 'x-stainless-package-version', '7.55.0', 'x-stainless-os', 'Linux', 'x-stainless-arch', 'x64', 'x-stainless-runtime', 'node', 'authorization', `Bearer ${key}`, 'content-length', '120'];
  const headers = {};
  for (let index = 0; index < rawHeaders.length; index += 2) headers[rawHeaders[index]] = rawHeaders[index + 1];
  return { headers, rawHeaders };
});
const callers = requests.map((request) => directory.find(request));
const question = {
  nowMs: Date.now(),
  clientIp: '127.0.0.1',
  model: { id: 'anthropic/claude-sonnet-4.5', aliases: ['claude-sonnet-4-5'], class: 'premium' },
  streaming: true,
  needs: { reasoning: false, vision: false, tools: true },
  output: { maxTokens: 100, parameter: 'max_tokens' },
};

measure('authenticate, key seen before', (index) => directory.find(requests[index % KEYS]));
measure('keyed digest alone', (index) => secrets.digest(KEY_DIGEST_PURPOSE, keys[index % KEYS]));
measure('decide, three layers with globs', (index) => decide(callers[index % KEYS], question));
measure('admit + release, 5 windows, 2 layers', (index) => limits.admit(callers[index % KEYS], 200).release(150));
measure('admit + headers + release', (index) => {
  const admission = limits.admit(callers[index % KEYS], 200);
  admission.release(150);
  return admission.headers();
});

function measure(name, work) {
  const figures = [];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const startedMs = performance.now();
    for (let index = 0; index < ROUNDS; index += 1) work(index);
    figures.push(((performance.now() - startedMs) * 1_000) / ROUNDS);
  }
  const median = figures.toSorted((left, right) => left - right)[REPEATS >> 1];
  console.log(`${name.padEnd(40)} ${median.toFixed(2)} µs`);
}
