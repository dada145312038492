import { connect } from 'node:net';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';

jest.setTimeout(60_000);

describe('requests that are no valid HTTP', () => {
  let fixture: TestDatabase;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    fixture = await createTestDatabase();
    gateway = await startGatewayProcess({ env: { DATABASE_URL: fixture.url, OG_DEMO: 'true' } });
  });
  afterAll(async () => {
    await gateway.remove();
    await fixture.drop();
  });

  /** Sends bytes as they are and reads until the server closes. */
  function raw(bytes: string): Promise<{ status: number; error: Record<string, unknown>; head: string }> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => socket.write(bytes));
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      socket.on('error', reject).on('close', () => {
        const [head = '', body = '{}'] = text.split('\r\n\r\n');
        resolve({ status: Number(head.split(' ')[1]), head, error: (JSON.parse(body) as { error: Record<string, unknown> }).error });
      });
    });
  }

  it.each([
    ['a header line without a name', 'GET / HTTP/1.1\r\nno colon here\r\n\r\n', 400, 'invalid_request'],
    ['two framings at once', 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'invalid_request'],
    ['two lengths', 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef', 400, 'invalid_request'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(40_000)}\r\n\r\n`, 431, 'request_too_large'],
  ])('%s: the catalogue’s error, and the connection closed', async (_name, bytes, status, code) => {
    const answer = await raw(bytes);
    expect(answer).toMatchObject({ status, error: { code, param: null, request_id: expect.stringMatching(/^req_/) } });
    expect(answer.head).toContain('connection: close');
  });

  it('an URL that cannot be decoded', async () => {
    const { status, error } = await raw('GET /v1/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect([status, error['code']]).toEqual([400, 'invalid_request']);
  });
});
