import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from '../support/database.js';
import { runGatewayUntilExit, startGatewayProcess } from '../support/gateway-process.js';

jest.setTimeout(120_000);

/** Processes whose command line names the directory: the database of that gateway, if it was left behind. */
function leftovers(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter((commandLine) => commandLine.includes(directory));
}

describe('start and stop, with the embedded database', () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-start-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('starts from nothing, answers its probes, writes bootstrap.json for its owner only, and leaves nothing behind', async () => {
    const gateway = await startGatewayProcess({ dataDirectory: directory });
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${gateway.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', checks: expect.objectContaining({ database: true }) }]);
    expect(gateway.bootstrap).toEqual({
      base_url: gateway.url,
      admin_token: expect.stringMatching(/^mk-og-/),
      demo_key: gateway.bootstrap.demo_key,
      console_url: `${gateway.url}/console`,
    });
    expect(statSync(join(directory, 'bootstrap.json')).mode & 0o777).toBe(0o600);
    expect(gateway.output()).not.toContain(gateway.bootstrap.admin_token);
    expect(await gateway.stop()).toBe(0);
    expect(leftovers(directory)).toEqual([]);
  });

  it('starts again on the same database with the same token, and stops on Ctrl-C', async () => {
    const token = JSON.parse(readFileSync(join(directory, 'bootstrap.json'), 'utf8')).admin_token as string;
    const gateway = await startGatewayProcess({ dataDirectory: directory });
    // What a first start costs most is not done again.
    expect(gateway.output()).not.toContain('Creating the embedded database');
    expect(gateway.bootstrap.admin_token).toBe(token);
    expect(await gateway.stop('SIGINT')).toBe(0);
    expect(leftovers(directory)).toEqual([]);
  });

  it('leaves no database behind when it is killed, and starts after that', async () => {
    const gateway = await startGatewayProcess({ dataDirectory: directory });
    await gateway.kill();
    const deadline = Date.now() + 5_000;
    while (leftovers(directory).length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(leftovers(directory)).toEqual([]);
    const again = await startGatewayProcess({ dataDirectory: directory });
    expect(await again.stop()).toBe(0);
  });

  it('brings its database back when the server is killed', async () => {
    const gateway = await startGatewayProcess({ dataDirectory: directory });
    const pidFile = join(directory, 'pg18', 'data', 'postmaster.pid');
    process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGKILL');
    const states = new Set<number>();
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline && !(states.has(503) && states.has(200))) {
      const { status } = await fetch(`${gateway.url}/readyz`);
      if (status === 503 || states.has(503)) states.add(status);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect([...states]).toEqual([503, 200]);
    expect(await gateway.stop()).toBe(0);
    expect(leftovers(directory)).toEqual([]);
  });
});

describe('metrics', () => {
  it('are for the operator, or for a program on this machine that is no proxy', async () => {
    const fixture = await createTestDatabase();
    const gateway = await startGatewayProcess({ env: { DATABASE_URL: fixture.url, OG_ZONE: 'kr' } });
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(text).toMatch(/^og_build_info\{version="[^"]+",commit="[^"]+",zone="kr"\} 1$/m);
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    const forwarded = { 'x-forwarded-for': '203.0.113.9' };
    expect((await fetch(`${gateway.url}/metrics`, { headers: forwarded })).status).toBe(401);
    const operator = { ...forwarded, authorization: `Bearer ${gateway.bootstrap.admin_token}` };
    expect((await fetch(`${gateway.url}/metrics`, { headers: operator })).status).toBe(200);
    await gateway.remove();
    await fixture.drop();
  });

  it('are on their own port alone when one is given, with the probes', async () => {
    const fixture = await createTestDatabase();
    const port = await freePort();
    const gateway = await startGatewayProcess({ env: { DATABASE_URL: fixture.url, OG_METRICS_PORT: String(port) } });
    const own = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${own}/metrics`)).text()).toContain('og_build_info');
    expect([(await fetch(`${own}/readyz`)).status, (await fetch(`${own}/healthz`)).status, (await fetch(`${own}/v1/models`)).status]).toEqual([200, 200, 404]);
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    await gateway.remove();
    await fixture.drop();
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

describe('a start that cannot work', () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-fail-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const base = { OG_DATA_DIR: join(directory, 'data'), PORT: '0' };

  it.each([
    ['a bad variable', { ...base, PORT: 'eighty' }, 'OpenGateway cannot start: PORT: "eighty" is not valid; expected a port number from 0 to 65535\n'],
    ['an unknown variable', { ...base, OG_ZONES: 'kr' }, 'OpenGateway cannot start: OG_ZONES: unknown variable; did you mean OG_ZONE?\n'],
    ['an unusable data directory', { ...base, OG_DATA_DIR: '/proc/og' }, /^OpenGateway cannot start: OG_DATA_DIR: \/proc\/og is not a writable directory \(\w+\)\n$/],
  ])('%s: one clear line, exit 1', async (_name, env, expected) => {
    const { code, output } = await runGatewayUntilExit(env);
    expect(code).toBe(1);
    if (typeof expected === 'string') expect(output).toBe(expected);
    else expect(output).toMatch(expected);
  });

  it('a port in use: says which and leaves nothing', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    const { code, output } = await runGatewayUntilExit({ ...base, PORT: String(port) });
    expect(output).toBe(`OpenGateway cannot start: PORT: port ${port} on 127.0.0.1 is in use; choose another with PORT=…\n`);
    expect(code).toBe(1);
    expect(existsSync(base.OG_DATA_DIR)).toBe(false);
    holder.close();
  });
});
