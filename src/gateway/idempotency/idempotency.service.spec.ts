import type { InboundMessage } from '../../platform/inbound/index.js';
import { Secrets } from '../../platform/secrets/index.js';
import type { ReplyTap } from '../client-reply.js';
import type { Exchange } from '../exchange.js';
import type { Claim, ClaimOutcome, IdempotencyClaims, NewClaim, StoredAnswer } from './claims.repository.js';
import type { Compensation } from './compensation.js';
import { Idempotency } from './idempotency.service.js';

const CLAIMED: ClaimOutcome = { kind: 'claimed', superseded: ['req_0'] };

/** A table that answers what a test says, when the test says. */
class FakeClaims {
  answer: Promise<ClaimOutcome> = Promise.resolve(CLAIMED);
  storing: Promise<void> = Promise.resolve();
  readonly calls: string[] = [];

  claim(_claim: NewClaim): Promise<ClaimOutcome> {
    this.calls.push('claim');
    return this.answer;
  }
  store(_claim: Claim, stored: StoredAnswer | null): Promise<void> {
    this.calls.push(`store ${stored?.status}`);
    return this.storing;
  }
  async free(): Promise<void> {
    this.calls.push('free');
  }
  async renew(claims: readonly Claim[]): Promise<void> {
    this.calls.push(`renew ${claims.length}`);
  }
}

function exchangeOf(changes: Partial<Record<keyof Exchange, unknown>> = {}): { exchange: Exchange; tap: () => ReplyTap } {
  let tap: ReplyTap | undefined;
  const reply = { gone: false, ending: false, record: (given: ReplyTap) => (tap = given) };
  const caller = { organizationId: 'o', keyId: 'k', store: 'none' };
  const exchange = { requestId: 'req_1', endpoint: '/v1/x', caller, options: {}, body: { bytes: Buffer.from('{}') }, reply, settlement: { state: 'completed' }, ...changes };
  return { exchange: exchange as unknown as Exchange, tap: () => tap as ReplyTap };
}

const message = (headers: Record<string, string>): InboundMessage => ({ headers: { authorization: 'Bearer sk-og-1', ...headers } }) as unknown as InboundMessage;
const KEYED = message({ 'idempotency-key': 'k' });

describe('Idempotency', () => {
  let claims: FakeClaims;
  let refunded: string[];
  let idempotency: Idempotency;

  beforeEach(() => {
    claims = new FakeClaims();
    refunded = [];
    const compensation = { start: (list: readonly string[]) => refunded.push(...list) } as unknown as Compensation;
    idempotency = new Idempotency(claims as unknown as IdempotencyClaims, new Secrets('00'.repeat(32)), compensation);
    jest.useFakeTimers();
  });
  afterEach(() => {
    idempotency.onModuleDestroy();
    jest.useRealTimers();
  });

  it('does nothing for a request without the header', async () => {
    const { exchange, tap } = exchangeOf();
    expect(idempotency.begin(exchange, message({}))).toBeUndefined();
    idempotency.abandon(exchange);
    expect([claims.calls, tap(), idempotency.replay(exchange)]).toEqual([[], undefined, false]);
  });

  it('is 503 when the claim takes over 2 s, and gives back what comes too late', async () => {
    let grant: (outcome: ClaimOutcome) => void = () => undefined;
    claims.answer = new Promise((resolve) => (grant = resolve));
    const refused = Promise.resolve(idempotency.begin(exchangeOf().exchange, KEYED)).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await refused).toMatchObject({ status: 503, code: 'service_unavailable' });
    grant(CLAIMED);
    await jest.advanceTimersByTimeAsync(0);
    expect(claims.calls).toEqual(['claim', 'free']);
  });

  it('stores before the last bytes leave, and then gives back what superseded requests were charged', async () => {
    const { exchange, tap } = exchangeOf();
    await idempotency.begin(exchange, KEYED);
    tap().head(200, {});
    await tap().ended();
    expect([claims.calls, refunded]).toEqual([['claim', 'store 200'], ['req_0']]);
    idempotency.abandon(exchange);
    expect(claims.calls).toHaveLength(2);
  });

  it('holds the last bytes back for 2 s at most, and refunds nothing that is not stored', async () => {
    claims.storing = new Promise(() => undefined);
    const { exchange, tap } = exchangeOf();
    await idempotency.begin(exchange, KEYED);
    tap().head(200, {});
    const ended = tap().ended();
    await jest.advanceTimersByTimeAsync(2_000);
    await ended;
    expect(refunded).toEqual([]);
  });

  it('frees the key when the client left, also while it was claimed', async () => {
    const { exchange } = exchangeOf();
    await idempotency.begin(exchange, KEYED);
    idempotency.abandon(exchange);
    await idempotency.begin(exchangeOf({ reply: { gone: true, ending: false, record: () => undefined } }).exchange, KEYED);
    expect(claims.calls).toEqual(['claim', 'free', 'claim', 'free']);
  });

  it('renews what runs, and nothing when nothing runs', async () => {
    const { exchange } = exchangeOf();
    await idempotency.begin(exchange, KEYED);
    await jest.advanceTimersByTimeAsync(6_000);
    idempotency.abandon(exchange);
    await jest.advanceTimersByTimeAsync(6_000);
    expect(claims.calls).toEqual(['claim', 'renew 1', 'renew 1', 'free']);
  });

  it.each([
    ['a success', {}, 200, 'store 200'],
    ['a stream that broke', { error: { entry: {} }, hold: {} }, 200, 'free'],
    ['a refusal after admission', { error: { entry: {} }, hold: {}, settlement: undefined }, 400, 'store 400'],
    ['a refusal before money was held', { error: { entry: {} }, settlement: undefined }, 402, 'free'],
    ['a refusal that may be retried', { error: { entry: { shouldRetry: true } }, hold: {} }, 404, 'free'],
    ['a timeout of the client', { error: { entry: {} }, hold: {} }, 408, 'free'],
    ['a conflict', { error: { entry: {} }, hold: {} }, 409, 'free'],
    ['a rate limit', { error: { entry: {} }, hold: {} }, 429, 'free'],
    ['a failure', { error: { entry: {} }, hold: {} }, 502, 'free'],
    ['a canceled request', { settlement: { state: 'canceled' } }, 200, 'free'],
  ])('%s', async (_name, changes, status, expected) => {
    const { exchange, tap } = exchangeOf(changes);
    await idempotency.begin(exchange, KEYED);
    tap().head(status, {});
    await tap().ended();
    expect(claims.calls).toEqual(['claim', expected]);
  });
});
