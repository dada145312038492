/** Every route of the running gateway against everybody who might call it: deny by default, and an explicit table. */
import { request } from 'node:http';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';

type Access = 'public' | 'key' | 'operator';

/** A route that is not named here fails the test: whoever adds one says who may call it. */
const ACCESS: readonly (readonly [RegExp, Access])[] = [
  [/^\/(healthz|readyz|openapi\.json|docs.*|console.*)?$/, 'public'],
  [/^\/v1\/errors$/, 'public'],
  // From this machine; from elsewhere the operator's alone (tested with the metrics).
  [/^\/metrics$/, 'public'],
  [/^\/v1\/(chat\/completions|completions|embeddings|rerank|moderations|images\/generations|images\/edits|audio\/speech|audio\/transcriptions|messages|messages\/count_tokens|responses|responses\/input_tokens|responses\/\{id\}(\/input_items)?|models|models\/\{path\}|key|credits|redeem|generation|usage)$/, 'key'],
  [/^\/admin\/v1\/routes\/(drafts|versions)\/\{(id|version)\}(\/publish)?$/, 'operator'],
  [/^\/admin\/v1\/[a-z-]+(\/[a-z-]+|\/\{id\}(\/[a-z-]+)?)?$/, 'operator'],
];

/** Our codes, and Anthropic's type for its clients, whose envelope has no code. */
const REFUSALS: ReadonlySet<string> = new Set(['missing_api_key', 'invalid_api_key', 'authentication_error']);

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

describe('routes and roles', () => {
  let gateway: GatewayProcess;
  let routes: { method: string; path: string; access: Access | undefined }[];

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    const { paths } = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> };
    routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path, access: ACCESS.find(([pattern]) => pattern.test(path))?.[1] })),
    );
  }, 90_000);
  afterAll(() => gateway?.remove(), 60_000);

  /** The path goes out exactly as written: `fetch` would tidy it. */
  const ask = (method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      const body = method === 'GET' || method === 'HEAD' || method === 'DELETE' ? '' : '{}';
      const framing = { 'content-type': 'application/json', 'content-length': String(body.length) };
      const call = request({ hostname, port, method, path, agent: false, headers: { ...framing, ...headers } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, code: codeOf(text) }));
      });
      call.setTimeout(10_000, () => call.destroy(new Error(`no answer to ${method} ${path}`)));
      call.on('error', reject).end(body);
    });

  const bearer = (token: string | null): Record<string, string> => ({ authorization: `Bearer ${token}` });
  const filled = (path: string): string => path.replace('{path}', 'sandbox/echo').replace(/\{\w+\}/g, 'default');

  it('are all in the table', () => {
    expect(routes.length).toBeGreaterThan(25);
    expect(routes.filter(({ access }) => access === undefined)).toEqual([]);
  });

  it('refuse everybody whose they are not, with 401 and before anything else', async () => {
    const wrong: [string, string][] = [];
    for (const { method, path, access } of routes.filter(({ access }) => access !== 'public')) {
      const strangers = [{}, bearer('nonsense'), bearer(access === 'key' ? gateway.bootstrap.admin_token : gateway.bootstrap.demo_key)];
      if (access === 'operator') strangers.push({ 'x-api-key': gateway.bootstrap.admin_token });
      for (const headers of strangers) {
        const { status, code } = await ask(method, filled(path), headers);
        if (status !== 401 || !REFUSALS.has(code ?? '')) wrong.push([`${method} ${path}`, `${status} ${code}`]);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('let in those whose they are', async () => {
    for (const { method, path, access } of routes.filter((route) => route.method === 'GET')) {
      const headers = access === 'public' ? {} : bearer(access === 'key' ? gateway.bootstrap.demo_key : gateway.bootstrap.admin_token);
      const { status } = await ask(method, filled(path), headers);
      expect({ path, isAllowed: status !== 401 && status !== 403 && status < 500 }).toEqual({ path, isAllowed: true });
    }
  });

  it.each([
    '/admin/v1/keys/', '//admin/v1/keys', '/admin//v1/keys', '/ADMIN/v1/keys', '/Admin/V1/Keys', '/admin/v1/%6beys', '/admin/v1/key%73', '/%61dmin/v1/keys',
    '/admin/v1/keys;x=1', '/admin/v1/keys%3Bx', '/admin/v1/keys%2f', '/admin/v1/./keys', '/admin/v1/x/../keys', '/admin/v1/%2e/keys', '/admin/v1/keys?x=1', '/admin/v1/keys#x',
    '/v1/../admin/v1/keys', '/v1/%2e%2e/admin/v1/keys', '/v1/proxy/admin/v1/keys', '/admin/v1/keys%00', '/admin/v1/keys%20',
  ])('give no way round by spelling: %s', async (path) => {
    for (const method of ['GET', 'HEAD', 'POST']) {
      for (const headers of [{}, bearer(gateway.bootstrap.demo_key)]) {
        const { status } = await ask(method, path, headers);
        expect([400, 401, 404, 405]).toContain(status);
      }
    }
  });

  it.each(['/v1/key/', '//v1/key', '/V1/key', '/v1/%6bey', '/v1/key;x', '/v1/./key', '/v1/x/../key', '/v1/%2e/key', '/v1/chat/../key'])(
    'let nobody in without a key by spelling: %s',
    async (path) => {
      for (const method of ['GET', 'HEAD']) expect([400, 401, 404, 405]).toContain((await ask(method, path)).status);
    },
  );

  it('show a request to its organization only', async () => {
    const post = async (path: string, body: object, token: string): Promise<{ headers: Headers; body: Record<string, string> }> => {
      const response = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { headers: response.headers, body: (await response.json()) as Record<string, string> };
    };
    const { admin_token: operator, demo_key: own } = gateway.bootstrap;
    const answer = await post('/v1/chat/completions', { model: 'sandbox/echo', messages: [{ role: 'user', content: 'canary' }] }, own ?? '');
    const id = answer.headers.get('x-request-id') ?? '';
    const organization = await post('/admin/v1/organizations', { name: 'Other' }, operator);
    const project = await post('/admin/v1/projects', { organization_id: organization.body['id'], name: 'Other' }, operator);
    const other = await post('/admin/v1/keys', { project_id: project.body['id'], name: 'Other' }, operator);
    const startedMs = performance.now();
    while ((await ask('GET', `/v1/generation?id=${id}`, bearer(own))).status !== 200) expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect(await ask('GET', `/v1/generation?id=${id}`, bearer(other.body['key'] ?? ''))).toEqual({ status: 404, code: 'not_found' });
  });
});

function codeOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; type?: string } };
    return error?.code ?? error?.type;
  } catch {
    return undefined;
  }
}
