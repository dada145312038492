import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { GatewayError } from '../../core/errors/gateway-error.js';
import { NodeMessage } from '../../platform/inbound/index.js';
import { readJsonBody } from './request-body.js';

describe('reading a body', () => {
  let server: Server;
  let outcomes: unknown[];

  beforeEach(async () => {
    outcomes = [];
    server = createServer((request, response) => {
      Promise.resolve(readJsonBody(new NodeMessage(request), { maxBytes: 1_000, deadlineMs: 150 })).then(
        (body) => outcomes.push(body.toString('utf8')),
        (error: unknown) => outcomes.push(error),
      ).finally(() => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise<void>((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  }));

  async function send(...pieces: string[]): Promise<unknown> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (const piece of pieces) socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    if (pieces.at(-1) === '') socket.write('\r\n');
    for (let waited = 0; waited < 100 && outcomes.length === 0; waited += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    socket.destroy();
    return outcomes[0];
  }

  it('takes it in pieces', async () => {
    expect(await send('{"a"', ':1}', '')).toBe('{"a":1}');
  });

  it('gives up on one that does not come, and says so', async () => {
    const error = (await send('{"a"')) as GatewayError;
    expect([error.code, error.status, error.headers['connection']]).toEqual(['request_timeout', 408, 'close']);
  });

  it('gives up on one that is larger than it said', async () => {
    const error = (await send('x'.repeat(600), 'x'.repeat(600))) as GatewayError;
    expect([error.code, error.status]).toEqual(['request_too_large', 413]);
  });
});
