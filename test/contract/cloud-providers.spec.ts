import { createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Deployment } from '../../src/core/catalog/model.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { openaiChat } from '../../src/core/protocols/openai-chat/index.js';
import { loadCatalogue } from '../../src/providers/catalog/index.js';
import { buildSnapshot } from '../../src/providers/configuration/index.js';
import { ProviderAdapter } from '../../src/providers/provider-adapter.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';
import { UpstreamClient } from '../../src/providers/upstream-client.js';

/** Where requests of the cloud providers go and as whom: over real sockets, with a token server of our own. */
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const catalogue = loadCatalogue();
const client = new UpstreamClient();

interface Seen {
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server;
let origin: string;
let seen: Seen[];
let tokenAnswer: () => { status: number; body: unknown; afterMs?: number };
let clockMs: number;
let adapter: ProviderAdapter;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ url: request.url ?? '', headers: request.headers, body });
      const answer = request.url === '/token' ? tokenAnswer() : { status: 200, body: { hello: 'world' }, afterMs: 0 };
      setTimeout(() => response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body)), answer.afterMs ?? 0);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  seen = [];
  clockMs = Date.UTC(2026, 10, 21, 12);
  let count = 0;
  tokenAnswer = () => ({ status: 200, body: { access_token: `ya29.token-${++count}-of-this-test`, expires_in: 3_600, token_type: 'Bearer' }, afterMs: 20 });
  adapter = new ProviderAdapter({
    protocols: UPSTREAM_PROTOCOLS,
    transport: client,
    inProcess: null,
    nowMs: () => clockMs,
    defect: (error) => expect(error).toBeUndefined(),
  });
});
afterAll(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const serviceAccount = (extra: Record<string, unknown> = {}): string =>
  JSON.stringify({
    type: 'service_account',
    client_email: 'robot@example.test',
    private_key_id: 'k1',
    private_key: privateKey,
    project_id: 'demo-project',
    token_uri: `${origin}/token`,
    ...extra,
  });

function deploymentOf(type: string, model: string, secrets: Record<string, string>, baseUrl: string | null = origin): Deployment {
  const provider = {
    id: 'p',
    type,
    baseUrl,
    zones: [],
    timeouts: {},
    health: true,
    drainOnAbort: false,
    billPartial: true,
    settlement: { zeroCompletionInsurance: true, chargeCanceledPrompt: true },
    credentials: [{ id: 'c', weight: 1, secrets }],
  };
  const written = {
    id: 'm',
    name: null,
    aliases: null,
    serve: [{ provider: 'p', model, weight: 1, priority: 0, protocol: null }],
    price: null,
    cost: null,
    capabilities: {},
    class: null,
    endpoints: undefined,
  };
  const snapshot = buildSnapshot({ providers: [provider], models: [written] } as never, catalogue, { version: 1, hash: 'x', atMs: 0 });
  return snapshot.models.get('m')?.deployments[0] as Deployment;
}

function call(deployment: Deployment, stream = false): { done: Promise<UpstreamFailure | null>; abort(): void } {
  const request = openaiChat.parseRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16, stream });
  const prepared = adapter.prepare({ deployment, request, clientProtocol: 'openai-chat' });
  let abort = (): void => undefined;
  const done = new Promise<UpstreamFailure | null>((resolve) => {
    const running = adapter.call(prepared, { onFailure: resolve, onEnd: () => resolve(null) });
    abort = () => running.abort();
  });
  return { done, abort };
}

const last = (): Seen => seen.at(-1) as Seen;

describe('Vertex AI', () => {
  it('exchanges a signed assertion for a token and sends that', async () => {
    await call(deploymentOf('vertex', 'gemini-2.5-flash', { service_account: serviceAccount(), location: 'europe-west4' })).done;
    const [token, request] = seen as [Seen, Seen];
    const assertion = new URLSearchParams(token.body).get('assertion') ?? '';
    const [head, claims, signature] = assertion.split('.') as [string, string, string];
    expect(createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
      iss: 'robot@example.test',
      sub: 'robot@example.test',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      aud: `${origin}/token`,
      iat: clockMs / 1_000,
      exp: clockMs / 1_000 + 3_600,
    });
    expect(request.headers['authorization']).toBe('Bearer ya29.token-1-of-this-test');
    expect(request.url).toBe('/v1/projects/demo-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent');
    expect(JSON.stringify(seen)).not.toContain('PRIVATE KEY');
  });

  it('fetches one token for many calls, keeps it, and renews it before its end', async () => {
    const deployment = deploymentOf('vertex', 'gemini-2.5-flash', { service_account: serviceAccount() });
    const tokens = (): number => seen.filter(({ url }) => url === '/token').length;
    await Promise.all(Array.from({ length: 8 }, () => call(deployment).done));
    expect(tokens()).toBe(1);
    clockMs += 3_000_000;
    await call(deployment).done;
    expect(tokens()).toBe(1);
    clockMs += 400_000;
    await call(deployment).done;
    expect(last().headers['authorization'] ?? seen.at(-2)?.headers['authorization']).toBeDefined();
    // It is renewed beside the calls, which go on with the old one until the new one is there.
    for (let attempt = 0; attempt < 100 && last().headers['authorization'] !== 'Bearer ya29.token-2-of-this-test'; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await call(deployment).done;
    }
    expect(last().headers['authorization']).toBe('Bearer ya29.token-2-of-this-test');
    expect(tokens()).toBe(2);
    clockMs += 3_600_000;
    await call(deployment).done;
    expect(last().headers['authorization']).toBe('Bearer ya29.token-3-of-this-test');
  });

  it.each([
    [400, { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }, 'upstream_auth_failed', 'Invalid JWT Signature.'],
    [503, { error: 'unavailable' }, 'upstream_overloaded', 'unavailable'],
    [200, { no: 'token' }, 'upstream_error', 'without a token'],
  ])('a token server that answers %i ends the call, unsent and unbilled', async (status, body, code, words) => {
    tokenAnswer = () => ({ status, body });
    const failure = await call(deploymentOf('vertex', 'gemini-2.5-flash', { service_account: serviceAccount() })).done;
    expect(failure).toMatchObject({ code, tryElsewhere: true, maybeBilled: false });
    expect(failure?.message).toContain(words);
    expect(seen).toHaveLength(1);
  });

  it('a token server that cannot be reached, and a key that is none', async () => {
    const away = await call(deploymentOf('vertex', 'gemini-2.5-flash', { service_account: serviceAccount({ token_uri: 'http://127.0.0.1:1/token' }) })).done;
    expect(away).toMatchObject({ kind: 'connect', code: 'upstream_error', tryElsewhere: true });
    const broken = await call(deploymentOf('vertex', 'gemini-2.5-flash', { service_account: serviceAccount({ private_key: 'nonsense' }) })).done;
    expect(broken).toMatchObject({ code: 'upstream_auth_failed' });
  });

  it('a client that leaves while the token is fetched is told once, and nothing is sent', async () => {
    const running = call(deploymentOf('vertex', 'gemini-2.5-flash', { service_account: serviceAccount() }));
    running.abort();
    expect(await running.done).toMatchObject({ maybeBilled: false });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(seen.filter(({ url }) => url !== '/token')).toEqual([]);
  });

  it('Claude: its own path, the version in the body, no model', async () => {
    const deployment = deploymentOf('vertex', 'claude-haiku-4-5@20251001', { key: 'k', project: 'p1', location: 'us-east5' });
    await call(deployment, true).done;
    expect(last().url).toBe('/v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-haiku-4-5%4020251001:streamRawPredict');
    expect(JSON.parse(last().body)).toMatchObject({ anthropic_version: 'vertex-2023-10-16', max_tokens: 16, stream: true });
    expect(JSON.parse(last().body)).not.toHaveProperty('model');
  });

  it('a key without a project is express mode; streams ask for events', async () => {
    await call(deploymentOf('vertex', 'gemini-2.5-flash', { key: 'k' }), true).done;
    expect(last().url).toBe('/v1/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse');
    expect(last().headers['x-goog-api-key']).toBe('k');
  });

  it.each([
    [undefined, 'https://aiplatform.googleapis.com'],
    ['europe-west4', 'https://europe-west4-aiplatform.googleapis.com'],
  ])('location %s is at %s', (location, base) => {
    const secrets = { key: 'k', ...(location !== undefined && { location }) };
    expect(deploymentOf('vertex', 'gemini-2.5-flash', secrets, null).provider.baseUrl).toBe(base);
  });
});

describe('Amazon Bedrock', () => {
  it('signs for its region, or sends a bearer key', async () => {
    const keys = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret-example-of-this-test', session_token: 'T', region: 'ap-northeast-2' };
    await call(deploymentOf('bedrock', 'apac.anthropic.claude-sonnet-4-20250514-v1:0', keys)).done;
    expect(last().url).toBe('/model/apac.anthropic.claude-sonnet-4-20250514-v1%3A0/converse');
    expect(last().headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261121\/ap-northeast-2\/bedrock\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
    );
    expect(last().headers['x-amz-security-token']).toBe('T');
    await call(deploymentOf('bedrock', 'amazon.nova-lite-v1:0', { key: 'bearer-key' }), true).done;
    expect(last().headers['authorization']).toBe('Bearer bearer-key');
    expect(last().headers['accept']).toBe('application/vnd.amazon.eventstream');
    expect(last().url).toBe('/model/amazon.nova-lite-v1%3A0/converse-stream');
  });

  it('is at the address of its region', () => {
    expect(deploymentOf('bedrock', 'x', { key: 'k', region: 'eu-west-1' }, null).provider.baseUrl).toBe('https://bedrock-runtime.eu-west-1.amazonaws.com');
    expect(deploymentOf('bedrock', 'x', { key: 'k' }, null).provider.baseUrl).toBe('https://bedrock-runtime.us-east-1.amazonaws.com');
  });
});

describe('Azure OpenAI', () => {
  it.each([
    ['', '/openai/v1/chat/completions'],
    ['/openai/v1', '/openai/v1/chat/completions'],
    ['?api-version=2024-10-21', '/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21'],
    ['/openai/deployments/other?api-version=2024-10-21', '/openai/deployments/other/chat/completions?api-version=2024-10-21'],
  ])('an address ending in "%s" is asked at %s', async (suffix, url) => {
    await call(deploymentOf('azure-openai', 'my gpt', { key: 'azure-key' }, origin + suffix)).done;
    expect(last().url).toBe(url);
    expect(last().headers['api-key']).toBe('azure-key');
    expect(last().headers['authorization']).toBeUndefined();
  });
});

describe('Cohere and Ollama', () => {
  it.each([
    ['cohere', '', '/v2/chat'],
    ['cohere', '/v2', '/v2/chat'],
    ['ollama', '', '/api/chat'],
    ['ollama', '/api', '/api/chat'],
  ])('%s at "%s" is asked at %s', async (type, suffix, url) => {
    await call(deploymentOf(type, 'm', { key: 'k' }, origin + suffix)).done;
    expect(last().url).toBe(url);
  });
});
