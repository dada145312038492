import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
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
    const reply = new ClientReply(raw);
    let pauses = 0;
    let resumes = 0;
    reply.feed({ pause: () => (pauses += 1), resume: () => (resumes += 1) });
    reply.startStream({});
    const written = await fill(reply, () => pauses > 0);
    expect(pauses).toBe(1);
    expect(written).toBeLessThan(32 * 1024 * 1024);
    expect(raw.writableLength).toBeLessThan(256 * 1024);
    expect(reply.deliveredShare()).toBeLessThan(1);
    client.resume();
    client.on('data', () => undefined);
    await until(() => resumes === 1);
    await until(() => reply.deliveredShare() === 1);
  });

  it('tells once that the client went while it was blocked, and lets the upstream go on to its end', async () => {
    client.pause();
    const reply = new ClientReply(raw);
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
    const reply = new ClientReply(raw);
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
    const reply = new ClientReply(raw);
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

async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && !holds(); round += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}
