import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TransportFailure } from '../../src/core/upstream/upstream.js';
import { bypassesProxy, type ProxySettings } from '../../src/providers/upstream/connector.js';
import { NOWHERE } from '../../src/core/collections/roster.js';
import { DeadlineWheel, type Alarm } from '../../src/providers/upstream/deadline-wheel.js';
import { UpstreamClient } from '../../src/providers/upstream-client.js';
import * as tls from './tls-fixtures.js';

const open: { close(done: () => void): unknown }[] = [];
const clients: UpstreamClient[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  for (const socket of sockets) socket.destroy();
  await Promise.all(open.splice(0).map((server) => new Promise<void>((resolve) => server.close(resolve))));
});

async function listening(server: Server): Promise<number> {
  server.on('connection', (socket: Socket) => sockets.add(socket));
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';

function tlsUpstream(cert: string, key: string, options: object = {}): Promise<number> {
  const server = createTlsServer({ cert, key, ...options }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(ANSWER));
  });
  return listening(server as unknown as Server);
}

function call(url: string, settings: ProxySettings = {}): Promise<{ body: string; failure: TransportFailure | null }> {
  const client = new UpstreamClient(settings);
  clients.push(client);
  return new Promise((resolve) => {
    let body = '';
    client.dispatch(
      { method: 'POST', url, headers: {}, body: '{}', deadlines: { connectMs: 1_500, firstByteMs: 2_000, idleMs: 2_000, totalMs: 5_000 } },
      {
        onHeaders: () => undefined,
        onData: (chunk) => (body += Buffer.from(chunk).toString()),
        onEnd: () => resolve({ body, failure: null }),
        onFailure: (failure) => resolve({ body, failure }),
      },
    );
  });
}

describe('TLS (F62)', () => {
  it('trusts an authority it was given', async () => {
    const port = await tlsUpstream(tls.goodCertificate, tls.goodKey);
    expect(await call(`https://localhost:${port}/`, { ca: tls.caCertificate })).toEqual({ body: 'hi', failure: null });
  });

  it.each([
    ['an authority nobody knows', tls.goodCertificate, tls.goodKey, undefined, /UNABLE_TO|SELF_SIGNED/],
    ['another host', tls.wrongCertificate, tls.wrongKey, tls.caCertificate, /ALTNAME_INVALID/],
    ['an expired certificate', tls.expiredCertificate, tls.expiredKey, tls.caCertificate, /CERT_HAS_EXPIRED/],
  ])('refuses %s, with nothing sent', async (_name, cert, key, ca, words) => {
    const port = await tlsUpstream(cert, key);
    const { failure } = await call(`https://localhost:${port}/`, { ca });
    expect(failure).toMatchObject({ kind: 'connect', sent: false });
    expect(failure?.message).toMatch(words);
  });

  it('refuses TLS 1.0 and a server without TLS', async () => {
    const old = await tlsUpstream(tls.goodCertificate, tls.goodKey, { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
    expect((await call(`https://localhost:${old}/`, { ca: tls.caCertificate })).failure).toMatchObject({ kind: 'connect', sent: false });
    const plain = await listening(createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\n\r\n')));
    expect((await call(`https://localhost:${plain}/`)).failure).toMatchObject({ kind: 'connect', sent: false });
  });

  it('says that a host is unknown without naming it (F63)', async () => {
    const { failure } = await call('https://no-such-host.invalid/');
    expect(failure?.kind === 'connect' || failure?.deadline === 'connect').toBe(true);
    expect(failure?.message).not.toContain('no-such-host');
  });
});

describe('HTTPS_PROXY', () => {
  async function proxy(answer: string | null): Promise<{ port: number; seen: string[] }> {
    const seen: string[] = [];
    const server = createHttpServer();
    server.on('connect', (request, socket: Socket, head: Buffer) => {
      seen.push(`${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
      socket.on('error', () => undefined);
      sockets.add(socket);
      if (answer !== null) return void socket.end(answer);
      const [host, port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), host === 'localhost' ? '127.0.0.1' : host, () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.write(head);
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on('error', () => socket.destroy());
      sockets.add(upstream);
    });
    return { port: await listening(server as unknown as Server), seen };
  }

  it('tunnels to https upstreams, with its own credentials', async () => {
    const upstream = await tlsUpstream(tls.goodCertificate, tls.goodKey);
    const { port, seen } = await proxy(null);
    const answer = await call(`https://localhost:${upstream}/`, { ca: tls.caCertificate, httpsProxy: `http://us%40er:pa%3Ass@127.0.0.1:${port}` });
    expect(answer).toEqual({ body: 'hi', failure: null });
    expect(seen).toEqual([`localhost:${upstream} Basic ${Buffer.from('us@er:pa:ss').toString('base64')}`]);
  });

  it('leaves http upstreams and NO_PROXY alone', async () => {
    const { port, seen } = await proxy(null);
    const plain = await listening(createServer((socket) => socket.on('error', () => undefined).on('data', () => socket.write(ANSWER))));
    expect((await call(`http://127.0.0.1:${plain}/`, { httpsProxy: `http://127.0.0.1:${port}` })).body).toBe('hi');
    const upstream = await tlsUpstream(tls.goodCertificate, tls.goodKey);
    const settings = { ca: tls.caCertificate, httpsProxy: `http://127.0.0.1:${port}`, noProxy: 'localhost' };
    expect((await call(`https://localhost:${upstream}/`, settings)).body).toBe('hi');
    expect(seen).toEqual([]);
  });

  it.each([
    ['refuses', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'],
    ['closes', ''],
    ['talks nonsense', 'hello there\r\n\r\n'],
  ])('fails once, and does not dial for ever, when the proxy %s', async (_name, answer) => {
    const { port, seen } = await proxy(answer);
    const { failure } = await call('https://localhost:1/', { httpsProxy: `http://127.0.0.1:${port}` });
    expect(failure).toMatchObject({ kind: 'connect', sent: false });
    expect(seen.length).toBeLessThanOrEqual(1);
  });

  it.each([
    ['https://api.example.com', 'example.com', true],
    ['https://api.example.com', '.example.com', true],
    ['https://notexample.com', 'example.com', false],
    ['https://api.example.com', 'other, *', true],
    ['https://api.example.com:8443', 'example.com:443', false],
    ['https://api.example.com', 'example.com:443', true],
    ['https://[::1]', '::1', true],
    ['https://[::1]:8443', '[::1]:8443', true],
    ['https://api.example.com', '', false],
  ])('NO_PROXY: %s with %j', (url, noProxy, expected) => expect(bypassesProxy(new URL(url), noProxy)).toBe(expected));
});

describe('DeadlineWheel', () => {
  const alarm = (dueInMs: number, rung: number[]): Alarm => {
    const dueAt = performance.now() + dueInMs;
    return { place: NOWHERE, slot: NOWHERE, dueAtMs: () => dueAt, ring: (nowMs) => rung.push(nowMs - dueAt) };
  };
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('rings within two ticks, never early, and stops its timer', async () => {
    const wheel = new DeadlineWheel();
    const rung: number[] = [];
    for (let delay = 1; delay < 300; delay += 7) wheel.add(alarm(delay, rung));
    await wait(400);
    expect(rung).toHaveLength(43);
    expect(Math.min(...rung)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...rung)).toBeLessThan(60);
    expect(wheel.size).toBe(0);
  });

  it('follows a deadline that moves', async () => {
    const wheel = new DeadlineWheel();
    let dueAt = performance.now() + 60;
    let rangAt = 0;
    const moving: Alarm = { place: NOWHERE, slot: NOWHERE, dueAtMs: () => dueAt, ring: (nowMs) => (rangAt = nowMs) };
    wheel.add(moving);
    dueAt += 100;
    await wait(120);
    expect(rangAt).toBe(0);
    dueAt = performance.now() + 10;
    wheel.move(moving);
    await wait(80);
    expect(rangAt).toBeGreaterThanOrEqual(dueAt);
  });

  it('rings what is due after the event loop stood still, and removes what is removed meanwhile', async () => {
    const wheel = new DeadlineWheel();
    const rung: number[] = [];
    const second = alarm(20, rung);
    const first: Alarm = { place: NOWHERE, slot: NOWHERE, dueAtMs: () => 0, ring: () => wheel.remove(second) };
    wheel.add(first);
    wheel.add(second);
    const until = performance.now() + 100;
    while (performance.now() < until);
    await wait(50);
    expect(rung).toHaveLength(0);
    expect(wheel.size).toBe(0);
  });
});
