import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { LeanReply } from './lean-reply.js';

const BODY = Buffer.from('{"a":1}');

describe('a whole answer over the lean server', () => {
  let server: Server;
  let client: Socket;
  let socket: Socket;
  let answered = 0;

  beforeEach(async () => {
    answered = 0;
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    [socket] = (await once(server, 'connection')) as [Socket];
  });

  afterEach(async () => {
    client.destroy();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  function replied(): LeanReply {
    const reply = new LeanReply({ socket, keepAliveS: 5, closes: false, answered: () => (answered += 1) });
    reply.head(200, { 'content-length': String(BODY.length) });
    reply.end(BODY);
    return reply;
  }

  it('waits for the end of the turn: until then it has not left', async () => {
    const reply = replied();
    expect([reply.waitingBytes > BODY.length, reply.finished, answered]).toEqual([true, false, 0]);
    const [piece] = (await once(client, 'data')) as [Buffer];
    expect(piece.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\{"a":1\}$/);
    expect([reply.waitingBytes, reply.finished, answered]).toEqual([0, true, 1]);
  });

  it('is not said to have left when its connection closes before', async () => {
    const reply = replied();
    socket.destroy();
    await once(client, 'close');
    expect([reply.finished, answered]).toEqual([false, 0]);
  });
});
