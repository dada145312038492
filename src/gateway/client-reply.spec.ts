import fc from 'fast-check';
import { Agent, createServer, get, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { NodeReply } from '../platform/inbound/index.js';
import { ClientReply } from './client-reply.js';

const TEN_KB = `data: ${'x'.repeat(10_240)}\n\n`;

describe('ClientReply over a real socket', () => {
  let server: Server;
  let client: Socket;
  let raw: ServerResponse;

  beforeEach(async () => {
    server = createServer();
    const arrived = new Promise<ServerResponse>((resolve) => server.once('request', (_request, response) => resolve(response)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    raw = await arrived;
  });

  afterEach(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  /** Writes until the flow is paused; the client reads nothing meanwhile. */
  async function fill(reply: ClientReply, paused: () => boolean): Promise<number> {
    let bytes = 0;
    for (let round = 0; round < 10_000 && !paused(); round += 1) {
      reply.write(TEN_KB);
      bytes += TEN_KB.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return bytes;
  }

  it('pauses what feeds it when the client does not read, and resumes when it does', async () => {
    client.pause();
    const reply = new ClientReply(new NodeReply(raw));
    let pauses = 0;
    let resumes = 0;
    reply.feed({ pause: () => (pauses += 1), resume: () => (resumes += 1) });
    reply.startStream({});
    const written = await fill(reply, () => pauses > 0);
    expect(pauses).toBe(1);
    expect(written).toBeLessThan(32 * 1024 * 1024);
    expect(raw.writableLength).toBeLessThan(256 * 1024);
    // What is on its way already is still written, and listened for once.
    for (let more = 0; more < 20; more += 1) {
      reply.write('data: 1\n\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(raw.socket?.listeners('drain').length).toBeLessThan(4);
    expect(pauses).toBe(1);
    expect(reply.deliveredShare()).toBeLessThan(1);
    client.resume();
    client.on('data', () => undefined);
    await until(() => resumes === 1);
    await until(() => reply.deliveredShare() === 1);
  });

  it('tells once that the client went while it was blocked, and lets the upstream go on to its end', async () => {
    client.pause();
    const reply = new ClientReply(new NodeReply(raw));
    let resumes = 0;
    let pauses = 0;
    let gone = 0;
    reply.feed({ pause: () => (pauses += 1), resume: () => (resumes += 1) });
    reply.onGone(() => (gone += 1));
    reply.startStream({});
    await fill(reply, () => pauses > 0);
    client.destroy();
    await until(() => gone === 1);
    expect(resumes).toBe(1);
    expect(reply.gone).toBe(true);
    expect(reply.deliveredShare()).toBeLessThan(1);
    reply.write('more');
    reply.end('most');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(gone).toBe(1);
  });

  it('does not take a whole answer for a client that left', async () => {
    const reply = new ClientReply(new NodeReply(raw));
    let gone = 0;
    reply.onGone(() => (gone += 1));
    const received = new Promise<string>((resolve) => client.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    reply.sendJson(200, { 'x-request-id': 'r' }, '{"a":1}');
    expect(await received).toContain('{"a":1}');
    client.destroy();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(gone).toBe(0);
  });

  it('writes what one turn of the event loop produced in one piece', async () => {
    const reply = new ClientReply(new NodeReply(raw));
    let text = '';
    client.on('data', (chunk: Buffer) => (text += chunk.toString()));
    reply.startStream({});
    reply.write('data: 1\n\n');
    reply.write('data: 2\n\n');
    reply.end('data: [DONE]\n\n');
    await until(() => text.includes('[DONE]'));
    expect(text).toContain('data: 1\n\ndata: 2\n\ndata: [DONE]\n\n');
  });
});

describe('the frames of a streamed answer', () => {
  let server: Server;
  let port: number;
  let answer: (reply: ClientReply) => void | Promise<void>;

  beforeAll(async () => {
    server = createServer((_request, response) => void answer(new ClientReply(new NodeReply(response))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Everything the server says to these bytes until it says `last` so many times, or closes. */
  function ask(bytes: string, last: string, times = 1): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket.setEncoding('utf8');
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      socket.on('data', (chunk: string) => {
        text += chunk;
        if (text.split(last).length > times) socket.destroy();
      });
    });
  }

  const TURNS = fc.array(fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { maxLength: 4 }), { maxLength: 4 });

  it('carry every text, in whatever turns it was written, and leave the connection to the next request', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await fc.assert(
      fc.asyncProperty(TURNS, fc.string({ unit: 'grapheme' }), async (turns, rest) => {
        answer = async (reply) => {
          reply.startStream({});
          for (const turn of turns) {
            for (const text of turn) reply.write(text);
            await new Promise((resolve) => setImmediate(resolve));
          }
          reply.end(rest);
        };
        expect(await fetched(port, agent)).toBe(turns.flat().join('') + rest);
      }),
      { numRuns: 60 },
    );
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    agent.destroy();
  });

  it('go with the head in one piece', async () => {
    answer = (reply) => {
      reply.startStream({ 'x-request-id': 'r' });
      reply.write('data: 1\n\n');
      reply.end('data: [DONE]\n\n');
    };
    const text = await ask('GET / HTTP/1.1\r\nhost: x\r\n\r\n', '\r\n0\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text.split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe('17\r\ndata: 1\n\ndata: [DONE]\n\n\r\n0\r\n\r\n');
  });

  it('go with the end in one piece when it is near, and without it when it is not', async () => {
    const pieces: string[] = [];
    const answered = (endsAfterTurns: number) => async (reply: ClientReply) => {
      reply.startStream({});
      reply.write('data: 1\n\n');
      reply.awaitEnd();
      for (let turn = 0; turn < endsAfterTurns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      reply.end('data: [DONE]\n\n');
    };
    for (const [turns, count] of [
      [1, 1],
      [6, 2],
    ] as const) {
      pieces.length = 0;
      answer = (reply) => answered(turns)(reply);
      server.once('connection', (socket: Socket) => {
        const write = socket.write.bind(socket) as (text: string) => boolean;
        socket.write = ((text: string) => {
          pieces.push(text);
          return write(text);
        }) as typeof socket.write;
      });
      await ask('GET / HTTP/1.1\r\nhost: x\r\n\r\n', '\r\n0\r\n\r\n');
      expect(pieces.filter((piece) => piece.includes('data:'))).toHaveLength(count);
    }
  });

  it('are left out for HTTP/1.0, where the end of the connection is the end', async () => {
    answer = (reply) => {
      reply.startStream({});
      reply.write('data: 가\n\n');
      reply.end('');
    };
    const text = await ask('GET / HTTP/1.0\r\n\r\n', 'never');
    expect(text.split('\r\n\r\n')[1]).toBe('data: 가\n\n');
    expect(text).not.toContain('chunked');
  });

  it('of two pipelined requests stand in the order of the requests', async () => {
    const replies: ClientReply[] = [];
    answer = (reply) => {
      replies.push(reply);
      if (replies.length < 2) return;
      for (const [at, late] of [...replies].reverse().entries()) {
        late.startStream({});
        late.write(`data: ${1 - at}\n\n`);
        setImmediate(() => late.end('data: [DONE]\n\n'));
      }
    };
    const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
    const text = await ask(request + request, '\r\n0\r\n\r\n', 2);
    expect(text.match(/data: \S+/g)).toEqual(['data: 0', 'data: [DONE]', 'data: 1', 'data: [DONE]']);
  });
});

function fetched(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, agent, host: '127.0.0.1' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && !holds(); round += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}
