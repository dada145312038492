import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createHash } from 'node:crypto';
import { deflateSync, gzipSync, brotliCompressSync } from 'node:zlib';
import type { Deadlines, TransportFailure, UpstreamCall, UpstreamHandler } from '../../src/core/upstream/upstream.js';
import { UpstreamClient } from '../../src/providers/upstream-client.js';

const PATIENT: Deadlines = { connectMs: 2_000, firstByteMs: 2_000, idleMs: 2_000, totalMs: 10_000 };
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n';
const open: { close(): Promise<void> }[] = [];
let client: UpstreamClient;

interface Outcome {
  status: number | null;
  headers: Record<string, string>;
  body: string;
  failure: TransportFailure | null;
  sentCount: number;
  afterMs: number;
  endings: number;
}

/** A server whose answer is written by hand; `answer` is called once the request has arrived whole. */
async function rawServer(
  answer: (socket: Socket, request: string, number: number) => void,
): Promise<{ url: string; sockets: Set<Socket>; server: Server; requests: string[] }> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const headEnd = received.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (headEnd < 0 || received.length < headEnd + 4 + length) return;
      requests.push(received);
      const whole = received;
      received = '';
      answer(socket, whole, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat`, sockets, server, requests };
}

interface CallOptions {
  deadlines?: Partial<Deadlines>;
  headers?: Record<string, string>;
  body?: string | null;
  with?: UpstreamClient;
  onCall?(call: UpstreamCall, handler: Partial<UpstreamHandler>): void;
  onData?(call: UpstreamCall, chunk: Uint8Array): void;
}

function call(url: string, options: CallOptions = {}): Promise<Outcome> {
  const startedMs = performance.now();
  const outcome: Outcome = { status: null, headers: {}, body: '', failure: null, sentCount: 0, afterMs: 0, endings: 0 };
  return new Promise((resolve) => {
    const end = () => {
      outcome.endings++;
      outcome.afterMs = performance.now() - startedMs;
      // A second ending would come right behind the first.
      setTimeout(() => resolve(outcome), 5);
    };
    const request = {
      method: 'POST' as const,
      url,
      headers: { accept: '*/*', ...options.headers },
      body: options.body ?? '{}',
      deadlines: { ...PATIENT, ...options.deadlines },
    };
    const handle: UpstreamCall = (options.with ?? client).dispatch(request, {
      onSent: () => outcome.sentCount++,
      onHeaders: ({ status, headers }) => Object.assign(outcome, { status, headers }),
      onData: (chunk) => {
        outcome.body += Buffer.from(chunk).toString('latin1');
        options.onData?.(handle, chunk);
      },
      onEnd: end,
      onFailure: (failure) => {
        outcome.failure = failure;
        end();
      },
    });
    options.onCall?.(handle, {});
  });
}

const chunked = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(() => {
  client = new UpstreamClient();
});
afterEach(async () => {
  await client.close();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

describe('UpstreamClient against raw TCP', () => {
  it('sends exactly the given headers besides host, connection and content-length', async () => {
    const server = await rawServer((socket) => socket.end(`${OK}content-length: 2\r\n\r\nhi`));
    const outcome = await call(server.url, { headers: { authorization: 'Bearer x', accept: 'application/json' }, body: '{"a":"é"}' });
    expect(outcome).toMatchObject({ status: 200, body: 'hi', failure: null, sentCount: 1, endings: 1 });
    const [head, body] = (server.requests[0] as string).split('\r\n\r\n') as [string, string];
    expect(head.split('\r\n').map((line) => line.split(':')[0]?.toLowerCase())).toEqual([
      'post /v1/chat http/1.1',
      'host',
      'connection',
      'accept',
      'authorization',
      'content-length',
    ]);
    expect(Buffer.from(body, 'latin1').toString()).toBe('{"a":"é"}');
  });

  it('reuses a connection and follows no redirect', async () => {
    let connections = 0;
    const server = await rawServer((socket) => socket.write('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'));
    server.server.on('connection', () => connections++);
    for (let round = 0; round < 3; round++) expect(await call(server.url)).toMatchObject({ status: 302, failure: null });
    expect(connections).toBe(1);
  });

  const misbehaviour: [
    name: string,
    answer: (socket: Socket) => void,
    expected: Partial<Record<'status', number | null>> & { kind: TransportFailure['kind'] | null },
  ][] = [
    ['FIN before anything', (s) => void s.end(), { kind: 'reset', status: null }],
    ['RST before anything', (s) => void s.resetAndDestroy(), { kind: 'reset', status: null }],
    ['FIN after headers with content-length', (s) => void s.end(`${OK}content-length: 10\r\n\r\n`), { kind: 'reset', status: 200 }],
    ['content-length too long for the body', (s) => void s.end(`${OK}content-length: 10\r\n\r\nabc`), { kind: 'reset', status: 200 }],
    ['FIN in the middle of a chunk', (s) => void s.end(`${OK}transfer-encoding: chunked\r\n\r\n${chunked('abc')}10\r\nab`), { kind: 'reset', status: 200 }],
    [
      'RST in the middle of a chunk',
      (s) => void s.write(`${OK}transfer-encoding: chunked\r\n\r\n${chunked('abc')}10\r\nab`, () => setTimeout(() => s.resetAndDestroy(), 20)),
      { kind: 'reset', status: 200 },
    ],
    ['garbage status line', (s) => void s.end('SPEAK FRIEND AND ENTER\r\n\r\n'), { kind: 'protocol', status: null }],
    ['an SMTP greeting', (s) => void s.end('220 mail ready\r\n'), { kind: 'protocol', status: null }],
    ['a header of 20 KB', (s) => void s.end(`${OK}x: ${'a'.repeat(20_480)}\r\ncontent-length: 0\r\n\r\n`), { kind: 'protocol', status: null }],
    [
      'content-length and chunked at once',
      (s) => void s.end(`${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n${chunked('abc')}0\r\n\r\n`),
      { kind: 'protocol', status: null },
    ],
    ['two different content-lengths', (s) => void s.end(`${OK}content-length: 3\r\ncontent-length: 4\r\n\r\nabc`), { kind: 'protocol', status: null }],
    ['an invalid chunk size', (s) => void s.end(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n`), { kind: 'protocol', status: 200 }],
    [
      '100 × 103',
      (s) => void s.end(`${'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(100)}${OK}content-length: 0\r\n\r\n`),
      { kind: 'protocol', status: null },
    ],
    [
      'an upgrade nobody asked for',
      (s) => void s.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      { kind: 'reset', status: null },
    ],
    [
      'three 103 before the answer',
      (s) => void s.end(`${'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(3)}${OK}content-length: 2\r\n\r\nhi`),
      { kind: null, status: 200 },
    ],
    ['a body that ends with the connection', (s) => void s.end(`${OK}\r\nabc`), { kind: null, status: 200 }],
    ['204 without a body', (s) => void s.end('HTTP/1.1 204 No Content\r\n\r\n'), { kind: null, status: 204 }],
  ];
  it.each(misbehaviour)('%s: one ending, no hang', async (_name, answer, expected) => {
    const server = await rawServer(answer);
    const outcome = await call(server.url);
    expect({ kind: outcome.failure?.kind ?? null, status: outcome.status, endings: outcome.endings }).toEqual({
      kind: expected.kind,
      status: expected.status,
      endings: 1,
    });
    expect(outcome.afterMs).toBeLessThan(1_000);
    expect(outcome.failure?.message ?? '').not.toMatch(/127\.0\.0\.1/);
  });

  it('refuses a connection that is refused, with nothing sent', async () => {
    const server = await rawServer(() => undefined);
    await new Promise<void>((resolve) => server.server.close(() => resolve()));
    const outcome = await call(server.url);
    expect(outcome.failure).toMatchObject({ kind: 'connect', sent: false });
    expect(outcome.failure?.message).toContain('ECONNREFUSED');
    expect(outcome.sentCount).toBe(0);
  });
});

describe('UpstreamClient deadlines', () => {
  const within = (ms: number) => ({ from: ms - 25, to: ms + 75 });
  const check = (outcome: Outcome, deadline: string, ms: number) => {
    expect(outcome.failure).toMatchObject({ kind: 'timeout', deadline });
    expect(outcome.afterMs).toBeGreaterThan(within(ms).from);
    expect(outcome.afterMs).toBeLessThan(within(ms).to);
    expect(outcome.endings).toBe(1);
  };

  it('first byte: the server accepts and says nothing', async () => {
    const server = await rawServer(() => undefined);
    check(await call(server.url, { deadlines: { firstByteMs: 300 } }), 'first_byte', 300);
    await wait(30);
    expect(server.sockets.size).toBe(0);
  });

  it('first byte: headers alone do not count', async () => {
    const server = await rawServer((socket) => socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`));
    check(await call(server.url, { deadlines: { firstByteMs: 250, idleMs: 50 } }), 'first_byte', 250);
  });

  it('idle: bytes push it back, silence ends it', async () => {
    const server = await rawServer((socket) => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
      for (let number = 1; number <= 4; number++) setTimeout(() => socket.write(chunked('x')), number * 100);
    });
    const outcome = await call(server.url, { deadlines: { idleMs: 200 } });
    check(outcome, 'idle', 600);
    expect(outcome.body).toBe('xxxx');
  });

  it('total: an endless stream is cut', async () => {
    const server = await rawServer((socket) => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
      const timer = setInterval(() => socket.write(chunked('x')), 20);
      socket.on('close', () => clearInterval(timer));
    });
    check(await call(server.url, { deadlines: { idleMs: 100, totalMs: 400 } }), 'total', 400);
  });

  it('connect: a host that never answers the SYN', async () => {
    // A listen queue that is full drops SYNs on Linux; a TLS server that never speaks shows the same path on loopback.
    const server = await rawServer(() => undefined);
    const outcome = await call(server.url.replace('http:', 'https:'), { deadlines: { connectMs: 250 } });
    check(outcome, 'connect', 250);
    expect(outcome.failure?.sent).toBe(false);
    await wait(30);
    expect(server.sockets.size).toBe(0);
  });

  it('stands still while paused', async () => {
    const server = await rawServer((socket) => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n${chunked('a')}`);
      setTimeout(() => socket.write(`${chunked('b')}0\r\n\r\n`), 500);
    });
    let paused = false;
    const outcome = await call(server.url, {
      deadlines: { idleMs: 200 },
      onData: (handle) => {
        if (paused) return;
        paused = true;
        handle.pause();
        setTimeout(() => handle.resume(), 450);
      },
    });
    expect(outcome).toMatchObject({ body: 'ab', failure: null, endings: 1 });
  });
});

describe('UpstreamClient abort and back-pressure', () => {
  it('closes the socket at once', async () => {
    const server = await rawServer((socket) => socket.write(`${OK}transfer-encoding: chunked\r\n\r\n${chunked('a')}`));
    const outcome = await call(server.url, { onData: (handle) => handle.abort() });
    expect(outcome).toMatchObject({ failure: { kind: 'aborted', sent: true }, endings: 1 });
    await wait(50);
    expect(server.sockets.size).toBe(0);
  });

  it('is not sent when it is aborted in the turn in which it was given a connection', async () => {
    const server = await rawServer((socket) => socket.write(`${OK}content-length: 2\r\n\r\nok`));
    await call(server.url);
    const outcome = await call(server.url, { onCall: (handle) => handle.abort(), body: '{"never":1}' });
    expect(outcome).toMatchObject({ failure: { kind: 'aborted', sent: false }, sentCount: 0, endings: 1 });
    expect((await call(server.url, { body: '{"next":1}' })).status).toBe(200);
    expect(server.requests.map((request) => request.slice(request.indexOf('{')))).toEqual(['{}', '{"next":1}']);
  });

  it('can be aborted before it was sent', async () => {
    const server = await rawServer((socket) => socket.end(`${OK}content-length: 0\r\n\r\n`));
    const outcome = await call(server.url, { onCall: (handle) => handle.abort() });
    expect(outcome).toMatchObject({ failure: { kind: 'aborted', sent: false }, sentCount: 0, endings: 1 });
    await wait(50);
    expect(server.requests).toHaveLength(0);
  });

  it('stops reading while paused, however much the server sends', async () => {
    const total = 64 * 1_048_576;
    let written = 0;
    const server = await rawServer((socket) => {
      socket.write(`${OK}content-length: ${total}\r\n\r\n`);
      const block = Buffer.alloc(65_536, 'x');
      const more = () => {
        while (written < total) {
          written += block.length;
          if (!socket.write(block)) return void socket.once('drain', more);
        }
      };
      more();
    });
    let held: UpstreamCall | null = null;
    let received = 0;
    const done = new Promise<void>((resolve) => {
      held = client.dispatch(
        { method: 'POST', url: server.url, headers: {}, body: '{}', deadlines: PATIENT },
        {
          onHeaders: () => undefined,
          onData: (chunk) => {
            if (received === 0) held?.pause();
            received += chunk.length;
          },
          onEnd: resolve,
          onFailure: () => resolve(),
        },
      );
    });
    await wait(300);
    expect(received).toBeLessThan(1_048_576);
    expect(written).toBeLessThan(16 * 1_048_576);
    (held as unknown as UpstreamCall).resume();
    await done;
    expect(received).toBe(total);
  });
});

describe('UpstreamClient stale keep-alive', () => {
  it('never fails when the server closes after each answer, on the same socket (F60)', async () => {
    const server = await rawServer((socket) => {
      socket.write(`${OK}content-length: 2\r\n\r\nhi`);
      setImmediate(() => socket.destroy());
    });
    let failures = 0;
    for (let round = 0; round < 300; round++) if ((await call(server.url)).failure !== null) failures++;
    expect(failures).toBe(0);
  });

  it('sends again when the reused socket is closed on arrival, and only then', async () => {
    let seen = 0;
    const server = await rawServer((socket, _request, number) => {
      seen = number;
      if (number === 2) socket.resetAndDestroy();
      else socket.write(`${OK}content-length: 2\r\n\r\nhi`);
    });
    await call(server.url);
    const second = await call(server.url);
    expect(second).toMatchObject({ failure: null, body: 'hi', sentCount: 1 });
    expect(seen).toBe(3);
  });

  it('does not send again after a byte of the answer', async () => {
    const server = await rawServer((socket, _request, number) => {
      if (number === 1) socket.write(`${OK}content-length: 2\r\n\r\nhi`);
      else socket.write('HTTP/1.1 2', () => socket.destroy());
    });
    await call(server.url);
    expect((await call(server.url)).failure?.kind).toBe('reset');
    expect(server.requests).toHaveLength(2);
  });
});

describe('UpstreamClient connections', () => {
  const hi = `${OK}content-length: 2\r\n\r\nhi`;

  it('never takes for an answer what came before the question', async () => {
    const server = await rawServer((socket, _request, number) => {
      socket.write(hi);
      if (number === 1) setTimeout(() => socket.write(`${OK}content-length: 4\r\n\r\nevil`), 20);
    });
    expect((await call(server.url)).body).toBe('hi');
    await wait(60);
    expect(server.sockets.size).toBe(0);
    expect(await call(server.url)).toMatchObject({ body: 'hi', failure: null });
  });

  it.each([
    ['bytes behind the answer', `${hi}${OK}content-length: 4\r\n\r\nevil`],
    ['connection: close', `${OK}connection: close\r\ncontent-length: 2\r\n\r\nhi`],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi'],
    ['a server that keeps nothing', `${OK}keep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nhi`],
  ])('uses no connection again after %s', async (_name, answer) => {
    let connections = 0;
    const server = await rawServer((socket) => socket.write(answer));
    server.server.on('connection', () => connections++);
    for (let round = 0; round < 3; round++) expect(await call(server.url)).toMatchObject({ body: 'hi', failure: null });
    expect(connections).toBe(3);
  });

  it('uses no connection again whose request was answered before it was read', async () => {
    const server = await rawServer(() => undefined);
    server.server.removeAllListeners('connection');
    let connections = 0;
    server.server.on('connection', (socket: Socket) => {
      connections++;
      server.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => server.sockets.delete(socket));
      socket.once('readable', () => socket.write(`${OK}content-length: 2\r\n\r\nhi`));
    });
    const body = 'x'.repeat(32 * 1_048_576);
    expect(await call(server.url, { body })).toMatchObject({ body: 'hi', failure: null });
    expect(await call(server.url)).toMatchObject({ body: 'hi', failure: null });
    expect(connections).toBe(2);
  });

  it('gives calls that run together a connection each, and keeps them', async () => {
    let connections = 0;
    const server = await rawServer((socket) => setTimeout(() => socket.write(hi), 20));
    server.server.on('connection', () => connections++);
    for (let round = 0; round < 2; round++) {
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => call(server.url)));
      expect(outcomes.every(({ body, failure }) => body === 'hi' && failure === null)).toBe(true);
    }
    expect(connections).toBe(20);
  });

  it('lets calls wait when all connections are taken, and serves them in turn', async () => {
    let connections = 0;
    let most = 0;
    const server = await rawServer((socket) => setTimeout(() => socket.write(hi), 5));
    server.server.on('connection', (socket: Socket) => {
      most = Math.max(most, ++connections);
      socket.on('close', () => connections--);
    });
    const narrow = new UpstreamClient({}, { maxConnections: 4, maxWaiting: 20 });
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => call(server.url, { with: narrow })));
    await narrow.close();
    expect(outcomes.filter(({ body }) => body === 'hi')).toHaveLength(24);
    expect(outcomes.filter(({ failure }) => failure?.kind === 'busy')).toHaveLength(6);
    expect(most).toBe(4);
  });

  it('tells what arrives in one piece in one piece, however it was framed', async () => {
    const server = await rawServer((socket) => socket.write(`${OK}transfer-encoding: chunked\r\n\r\n${'4\r\nabcd\r\n'.repeat(50)}0\r\n\r\n`));
    let pieces = 0;
    const outcome = await call(server.url, { onData: () => (pieces += 1) });
    expect(outcome).toMatchObject({ body: 'abcd'.repeat(50), failure: null });
    expect(pieces).toBe(1);
  });

  it.each(['/v1/a b', '/v1/a\r\nx: y', '/v1/é'])('refuses the path %j before connecting', async (path) => {
    const server = await rawServer((socket) => socket.write(hi));
    expect((await call(server.url.replace('/v1/chat', path))).failure).toMatchObject({ kind: 'protocol', sent: false });
    expect(server.requests).toHaveLength(0);
  });
});

describe('UpstreamClient bodies', () => {
  const text = 'hello '.repeat(500);
  it.each([
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['gzip, gzip', gzipSync(gzipSync(text))],
  ])('inflates %s', async (coding, bytes) => {
    const server = await rawServer(
      (socket) => void socket.write(`${OK}content-encoding: ${coding}\r\ncontent-length: ${bytes.length}\r\n\r\n`, () => socket.end(bytes)),
    );
    const outcome = await call(server.url);
    expect(outcome).toMatchObject({ failure: null, endings: 1 });
    expect(createHash('sha256').update(outcome.body).digest('hex')).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it.each([
    ['a wrong content-encoding', 'gzip', Buffer.from('plain text'), 'protocol'],
    ['an unknown content-encoding', 'rot13', Buffer.from('uryyb'), 'protocol'],
    ['twenty layers', Array.from({ length: 20 }, () => 'gzip').join(', '), gzipSync('x'), 'protocol'],
    ['a gzip bomb', 'gzip', gzipSync(Buffer.alloc(3_000_000)), 'too-large'],
  ])('refuses %s', async (_name, coding, bytes, kind) => {
    const server = await rawServer(
      (socket) => void socket.write(`${OK}content-encoding: ${coding}\r\ncontent-length: ${bytes.length}\r\n\r\n`, () => socket.end(bytes)),
    );
    const small = new UpstreamClient({}, { maxInflatedBytes: 1_048_576 });
    const outcome = await call(server.url, { with: small });
    await small.close();
    expect(outcome).toMatchObject({ failure: { kind }, endings: 1 });
  });

  it('cuts a body beyond its limit', async () => {
    const server = await rawServer((socket) => socket.end(`${OK}\r\n${'x'.repeat(5_000)}`));
    const small = new UpstreamClient({}, { maxBodyBytes: 1_000 });
    expect(await call(server.url, { with: small })).toMatchObject({ failure: { kind: 'too-large' }, endings: 1 });
    await small.close();
  });

  it.each(['a\r\nx-evil: 1', 'č', 'a\u0000b', 'ÿ'])('refuses the header value %j before connecting', async (value) => {
    const server = await rawServer((socket) => socket.end(`${OK}content-length: 0\r\n\r\n`));
    expect((await call(server.url, { headers: { 'x-tag': value } })).failure).toMatchObject({ kind: 'protocol', sent: false });
    expect(server.requests).toHaveLength(0);
  });
});
