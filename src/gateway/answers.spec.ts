import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GatewayError } from '../core/errors/gateway-error.js';
import { Answers } from './answers.js';
import { NodeReply } from '../platform/inbound/index.js';
import { ClientReply } from './client-reply.js';
import type { Exchange } from './exchange.js';
import { PROTOCOLS } from './protocols.js';

const ERROR = new GatewayError('internal_error', 'The gateway failed.');

/** What the exception filter knows of a request whose guard or spine threw. */
function exchangeWith(reply: ClientReply, protocol: keyof typeof PROTOCOLS): Exchange {
  return { requestId: 'req_1', receivedAtMs: 0, startedMs: 0, protocol: PROTOCOLS[protocol], parameters: [], tried: [], attempts: [], options: {}, request: { model: 'm' }, reply } as unknown as Exchange;
}

describe('an error that nobody expected', () => {
  let server: Server;
  let answer: (reply: ClientReply) => void;

  beforeEach(async () => {
    server = createServer((_request, response) => answer(new ClientReply(new NodeReply(response))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const ask = (): Promise<Response> => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { signal: AbortSignal.timeout(2_000) });

  it('before the first byte is a status', async () => {
    answer = (reply) => new Answers().refuse(exchangeWith(reply, 'openai-chat'), ERROR);
    const response = await ask();
    expect([response.status, await response.json()]).toEqual([500, { error: expect.objectContaining({ code: 'internal_error' }) }]);
  });

  it.each(['openai-chat', 'anthropic-messages', 'openai-responses'] as const)('after it ends the stream of %s in-band', async (protocol) => {
    answer = (reply) => {
      reply.startStream({});
      reply.write('data: {}\n\n');
      new Answers().refuse(exchangeWith(reply, protocol), ERROR);
    };
    const text = await (await ask()).text();
    expect(text).toContain('The gateway failed.');
    expect(text).not.toContain('[DONE]');
  });
});
