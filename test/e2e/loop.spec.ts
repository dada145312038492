import { ChatClient, user } from '../support/chat-client.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';

describe('a gateway that is its own provider', () => {
  let gateway: GatewayProcess;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    await new Operator(gateway).apply({
      version: 1,
      providers: [
        { id: 'self', type: 'openai-compatible', base_url: `${gateway.url}/v1`, credentials: [{ id: 'main', key: gateway.bootstrap.demo_key }], health: 'off' },
      ],
      models: [{ id: 'loop', serve: [{ provider: 'self', model: 'loop' }], price: { input: '1', output: '1' } }],
    });
  }, 60_000);

  afterAll(() => gateway?.remove());

  it('ends the loop after a few hops and charges nothing for it', async () => {
    const answer = await new ChatClient(gateway.url, gateway.bootstrap.demo_key ?? '').chat({ model: 'loop', messages: user('x') });
    expect([answer.status, answer.json['error']]).toEqual([508, expect.objectContaining({ code: 'loop_detected' })]);
    const operator = new Operator(gateway);
    const verified = await operator.eventually(
      () => operator.get('ledger/verify'),
      5_000,
      (report) => report['open_holds'] === 0,
    );
    expect(verified).toMatchObject({ ok: true, drift_nano_usd: 0 });
    expect((await operator.get('accounts/default'))['balance_usd']).toBe('100');
    const requests = (
      await operator.eventually(
        () => operator.get('requests'),
        3_000,
        (list) => (list['data'] as unknown[]).length > 0,
      )
    )['data'] as unknown[];
    expect(requests.length).toBeLessThanOrEqual(5);
  }, 30_000);
});
