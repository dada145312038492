import fc from 'fast-check';
import {
  aCaller,
  aDeployment,
  aModel,
  aPrice,
  aQuestion,
  aRequest,
  aRoute,
  aSnapshot,
  aWorld,
  cannot,
  healthy,
  needs,
} from '../../../test/fixtures/routing.js';
import type { GatewayError } from '../errors/gateway-error.js';
import type { HealthView, Plan } from './plan.js';
import { planAttempts } from './plan-attempts.js';
import { refusalOf } from './refusal.js';
import { resolveName } from './resolve-model.js';
import { wordsOfUsualPlace } from './usual-place.js';

const A = aDeployment('a');
const B = aDeployment('b');
const AB = aSnapshot([aModel('lab/one', [A, B], { aliases: ['one'], class: 'fast' })]);
const order = (plan: Plan): string[] => plan.attempts.map(({ deployment }) => deployment.provider.id);
const share = (draw: (seed: number) => boolean, count = 2_000): number =>
  Array.from({ length: count }, (_, seed) => draw(seed * 7_919)).filter(Boolean).length / count;
const thrown = (work: () => unknown): GatewayError => {
  try {
    work();
  } catch (error) {
    return error as GatewayError;
  }
  throw new Error('nothing was thrown');
};

describe('resolving a name', () => {
  it.each([['lab/one'], ['one'], ['class:fast'], ['a/one'], ['a/lab/one'], ['a/m']])('%s', (name) => {
    expect(resolveName(name, AB).map(({ model }) => model.id)).toEqual(['lab/one']);
  });
  it('keeps to the provider that was named', () => {
    expect(order(planAttempts(aQuestion('b/one'), aWorld(AB)))).toEqual(['b']);
  });
  it('suggests near names the caller may use', () => {
    const error = thrown(() => planAttempts(aQuestion('lab/onne'), aWorld(AB)));
    expect([error.code, error.status, error.metadata?.['near']]).toEqual(['model_not_found', 404, ['lab/one']]);
    const denied = thrown(() => planAttempts(aQuestion('lab/onne', { caller: aCaller({ models: { deny: ['*'] } }) }), aWorld(AB)));
    expect(denied.metadata?.['near']).toEqual([]);
  });
  it('names the replacement of a retired model', () => {
    const snapshot = aSnapshot([aModel('lab/old', [A], { retiredAtMs: 1, replacement: 'lab/one' })]);
    const error = thrown(() => planAttempts(aQuestion('lab/old'), aWorld(snapshot)));
    expect([error.code, error.metadata?.['replacement']]).toEqual(['model_retired', 'lab/one']);
  });
});

describe('what a deployment must be', () => {
  const refused = (deployment: Parameters<typeof aDeployment>[1], question: Partial<Parameters<typeof planAttempts>[0]> = {}, view?: HealthView) => {
    const only = aDeployment('a', deployment);
    const world = aWorld(aSnapshot([aModel('m', [only])]), view === undefined ? {} : { views: { [only.id]: view } });
    const plan = planAttempts(aQuestion('m', question), world);
    expect(plan.attempts).toEqual([]);
    const error = refusalOf(plan);
    return { excluded: plan.candidates[0]?.excluded, code: error.code, param: error.param, message: error.message, retryAfterMs: error.retryAfterMs };
  };

  it.each([
    [cannot('tools'), needs({ tools: true }), 'tools'],
    [cannot('vision'), needs({ vision: true }), 'messages'],
    [cannot('jsonSchema'), needs({ jsonSchema: true }), 'response_format'],
    [cannot('logprobs'), needs({ logprobs: true }), 'logprobs'],
    [cannot('choices'), needs({ choices: 2 }), 'n'],
    [cannot('streaming'), needs({ streaming: true }), 'stream'],
    [cannot('reasoning'), needs({ reasoning: true }), 'reasoning_effort'],
  ])('able: %j', (capabilities, wanted, param) => {
    expect(refused({ capabilities }, { needs: wanted })).toMatchObject({ excluded: 'capability', code: 'unsupported_parameter', param });
  });
  it('unknown ability counts as able', () => {
    expect(planAttempts(aQuestion('one', { needs: needs({ vision: true, tools: true }) }), aWorld(AB)).attempts).toHaveLength(2);
  });
  it('of the kind that was called', () => {
    const world = aWorld(aSnapshot([aModel('m', [A], { endpoints: ['embeddings'] })]));
    const plan = planAttempts(aQuestion('m'), world);
    expect(refusalOf(plan)).toMatchObject({ code: 'invalid_request', param: 'model', message: 'The model m does not serve chat; it serves embeddings.' });
    expect(planAttempts(aQuestion('m', { options: { noFallback: false, endpoint: 'embeddings' } }), world).attempts).toHaveLength(1);
  });
  it('large enough', () => {
    expect(refused({ capabilities: { contextWindow: 1_000 } }, { needs: needs({ promptTokensEstimate: 5_000 }) })).toMatchObject({
      excluded: 'context_window',
      code: 'context_length_exceeded',
      param: 'messages',
    });
  });
  it('priced', () => {
    expect(refused({ price: null })).toMatchObject({ excluded: 'unpriced', code: 'unpriced' });
    expect(refused({}, { needs: needs({ audioOutput: true }) })).toMatchObject({ code: 'unpriced' });
  });
  it('allowed by every layer, which the message names', () => {
    expect(refused({}, { caller: aCaller({ providers: { deny: ['a'] } }) })).toMatchObject({
      excluded: 'policy',
      code: 'provider_not_allowed',
      message: expect.stringContaining('key key_1'),
    });
    expect(refused({}, { caller: aCaller({ models: { deny: ['m'] } }) })).toMatchObject({
      excluded: 'policy',
      code: 'model_not_allowed',
      message: 'The model m is not allowed by the policy `models.deny` of key key_1.',
    });
    expect(refused({}, { caller: aCaller({ max_price: { input: '1.00' } }) })).toMatchObject({ excluded: 'price_ceiling', code: 'price_not_allowed' });
    expect(refused({ provider: { zones: ['us'] } }, { caller: aCaller({ zones: ['kr'] }) })).toMatchObject({ excluded: 'zone', code: 'zone_not_allowed' });
  });
  it('in the zone of the project, and a provider without one is in none', () => {
    const caller = aCaller({}, { zone: 'jp' });
    expect(refused({ provider: { zones: ['kr'] } }, { caller })).toMatchObject({ code: 'zone_not_allowed', message: expect.stringContaining('project') });
    expect(refused({}, { caller })).toMatchObject({ code: 'zone_not_allowed' });
    expect(
      planAttempts(aQuestion('m', { caller }), aWorld(aSnapshot([aModel('m', [aDeployment('a', { provider: { zones: ['jp'] } })])]))).attempts,
    ).toHaveLength(1);
  });
  it('well, with a wait when it is not', () => {
    const open = healthy({ circuit: 'open', retryAtMs: 1_004_000 });
    expect(refused({}, {}, open)).toMatchObject({ excluded: 'circuit_open', code: 'no_deployment_available', retryAfterMs: 4_000 });
    const limited = healthy({ credential: 'rate-limited', credentialUntilMs: 1_030_000 });
    expect(refused({}, {}, limited)).toMatchObject({ excluded: 'rate_limited', code: 'upstream_rate_limited', retryAfterMs: 30_000 });
    const rejected = healthy({ credential: 'rejected', credentialUntilMs: 1_300_000 });
    expect(refused({}, {}, rejected)).toMatchObject({ excluded: 'credential', code: 'no_deployment_available', retryAfterMs: 5_000 });
  });
  it('ignores health where none is kept', () => {
    const off = aDeployment('a', { provider: { health: false } });
    const world = aWorld(aSnapshot([aModel('m', [off])]), { views: { [off.id]: healthy({ circuit: 'open', retryAtMs: 9e9 }) } });
    expect(planAttempts(aQuestion('m'), world).attempts).toHaveLength(1);
  });
  it('able to read the signed reasoning in the history, when anybody is', () => {
    const claude = aDeployment('c', { protocol: 'anthropic-messages' });
    const snapshot = aSnapshot([aModel('m', [A, claude])]);
    const request = aRequest('m', {
      messages: [{ role: 'assistant', parts: [{ type: 'reasoning', text: 't', signature: 's', origin: 'anthropic-messages' }] }],
    });
    const plan = planAttempts(aQuestion('m', { request }), aWorld(snapshot));
    expect([order(plan), plan.candidates[1]?.excluded]).toEqual([['c'], 'provider_bound']);
    const foreign = aRequest('m', { messages: [{ role: 'assistant', parts: [{ type: 'reasoning', text: 't', signature: 's', origin: 'gemini-generate' }] }] });
    expect(planAttempts(aQuestion('m', { request: foreign }), aWorld(snapshot)).attempts).toHaveLength(2);
  });
  it('prefers room for the answer but does not refuse for it', () => {
    const small = aDeployment('s', { capabilities: { maxOutput: 100 } });
    const wanted = needs({ maxOutputTokens: 500 });
    expect(order(planAttempts(aQuestion('m', { needs: wanted }), aWorld(aSnapshot([aModel('m', [small, A])]))))).toEqual(['a']);
    expect(order(planAttempts(aQuestion('m', { needs: wanted }), aWorld(aSnapshot([aModel('m', [small])]))))).toEqual(['s']);
  });
});

describe('who comes first', () => {
  it('the operator’s priority, then availability, then the strategy', () => {
    const cheap = aDeployment('cheap', { price: aPrice(1n) });
    const dear = aDeployment('dear');
    const snapshot = aSnapshot([aModel('m', [cheap, dear])], [aRoute({ strategy: { kind: 'cost' } })]);
    expect(order(planAttempts(aQuestion('m'), aWorld(snapshot)))).toEqual(['cheap', 'dear']);
    const sick = { [cheap.id]: healthy({ availability: 0.4, samples: 100 }) };
    expect(order(planAttempts(aQuestion('m'), aWorld(snapshot, { views: sick })))).toEqual(['dear', 'cheap']);
    const first = aSnapshot([aModel('m', [aDeployment('x', { priority: 1 }), aDeployment('y', { priority: 0 })])]);
    expect(order(planAttempts(aQuestion('m'), aWorld(first)))).toEqual(['y', 'x']);
  });
  it('the quicker under latency', () => {
    const snapshot = aSnapshot([aModel('m', [A, B])], [aRoute({ strategy: { kind: 'latency' } })]);
    const views = { [A.id]: healthy({ totalP95Ms: 5_000, ttftP95Ms: 100 }), [B.id]: healthy({ totalP95Ms: 900, ttftP95Ms: 800 }) };
    expect(order(planAttempts(aQuestion('m'), aWorld(snapshot, { views })))[0]).toBe('b');
    expect(order(planAttempts(aQuestion('m', { needs: needs({ streaming: true }) }), aWorld(snapshot, { views })))[0]).toBe('a');
  });
  it('by weight among equals, explored now and then', () => {
    const snapshot = aSnapshot([aModel('m', [aDeployment('a', { weight: 3 }), B])]);
    expect(share((seed) => order(planAttempts(aQuestion('m'), aWorld(snapshot, { seed })))[0] === 'a')).toBeCloseTo(0.75, 1);
    const costly = aSnapshot([aModel('m', [aDeployment('cheap', { price: aPrice(1n) }), B])], [aRoute({ strategy: { kind: 'cost' } })]);
    const explored = share((seed) => order(planAttempts(aQuestion('m'), aWorld(costly, { seed })))[0] === 'b', 20_000);
    expect(explored).toBeGreaterThan(0.002);
    expect(explored).toBeLessThan(0.009);
  });
  it('a share that grows after recovery', () => {
    const views = { [A.id]: healthy({ slowStartWeight: 0.1 }) };
    expect(share((seed) => order(planAttempts(aQuestion('one'), aWorld(AB, { seed, views })))[0] === 'a')).toBeCloseTo(0.09, 1);
  });
  it('one arm of an experiment, sticky by session', () => {
    const snapshot = aSnapshot([aModel('m', [A, B])], [aRoute({ strategy: { kind: 'weighted', arms: { a: { weight: 90, to: 'a' }, b: { weight: 10, to: 'b' } } } })]);
    expect(share((seed) => order(planAttempts(aQuestion('m'), aWorld(snapshot, { seed })))[0] === 'a')).toBeCloseTo(0.9, 1);
    const session = { options: { noFallback: false, sessionId: 's1' } };
    const seen = new Set(Array.from({ length: 50 }, (_, seed) => order(planAttempts(aQuestion('m', session), aWorld(snapshot, { seed })))[0]));
    expect(seen.size).toBe(1);
  });
  it('keeps a session together by rendezvous and by what is remembered, never against exclusion', () => {
    const session = (sessionId: string) => aQuestion('one', { options: { noFallback: false, sessionId } });
    const firsts = new Set(Array.from({ length: 50 }, (_, seed) => order(planAttempts(session('s'), aWorld(AB, { seed })))[0]));
    expect(firsts.size).toBe(1);
    const spread = new Set(Array.from({ length: 50 }, (_, index) => order(planAttempts(session(`s${index}`), aWorld(AB)))[0]));
    expect(spread.size).toBe(2);
    for (const deployment of [A, B]) expect(order(planAttempts(session('s'), aWorld(AB, { bound: () => deployment.id })))[0]).toBe(deployment.provider.id);
    const open = { [A.id]: healthy({ circuit: 'open', retryAtMs: 2e6 }) };
    expect(order(planAttempts(session('s'), aWorld(AB, { bound: () => A.id, views: open })))).toEqual(['b']);
  });
  it('where staying saves nothing, what is remembered does not count', () => {
    const price = aPrice(3n, { tokens: { input: 3n, output: 3n, cacheRead: 3n } });
    const plain = [aDeployment('a', { price }), aDeployment('b', { price })];
    const firstOf = (id: string) => order(planAttempts(aQuestion('m', { options: { noFallback: false, sessionId: 's' } }), aWorld(aSnapshot([aModel('m', plain)]), { bound: () => id })))[0];
    expect(firstOf('a/m#main')).toBe(firstOf('b/m#main'));
  });
  it('its own zone among equals', () => {
    const snapshot = aSnapshot([aModel('m', [aDeployment('far', { provider: { zones: ['jp'] } }), aDeployment('near', { provider: { zones: ['kr'] } })])]);
    for (let seed = 0; seed < 20; seed += 1) expect(order(planAttempts(aQuestion('m'), aWorld(snapshot, { seed, zone: 'kr' })))[0]).toBe('near');
  });
});

describe('bounds and fallbacks', () => {
  const many = aSnapshot([
    aModel(
      'm',
      Array.from({ length: 5 }, (_, index) => aDeployment(`p${index}`)),
    ),
  ]);
  it('tries at most three, and one without fallback', () => {
    const plan = planAttempts(aQuestion('m'), aWorld(many));
    expect([plan.attempts.length, plan.candidates.filter(({ excluded }) => excluded === 'attempts_exhausted').length]).toEqual([3, 2]);
    const alone = planAttempts(aQuestion('m', { options: { noFallback: true } }), aWorld(many));
    expect([alone.attempts.length, alone.candidates.filter(({ excluded }) => excluded === 'no_fallback').length]).toEqual([1, 4]);
  });
  it('takes the client’s own list in its order, then the route’s', () => {
    const snapshot = aSnapshot(
      [aModel('x', [aDeployment('px')]), aModel('y', [aDeployment('py')]), aModel('z', [aDeployment('pz')])],
      [
        aRoute({
          fallbacks: [
            { model: 'z', class: 'equivalent' },
            { model: 'x', class: 'degraded' },
          ],
        }),
      ],
    );
    const request = aRequest('x', { models: ['y'] });
    const plan = planAttempts(aQuestion('x', { request }), aWorld(snapshot));
    expect([order(plan), plan.attempts[2]?.fallback]).toEqual([['px', 'py', 'pz'], 'equivalent fallback of route r']);
    expect(order(planAttempts(aQuestion('x', { request, options: { noFallback: true } }), aWorld(snapshot)))).toEqual(['px']);
  });
  it('uses a degraded fallback only when the client opts in', () => {
    const snapshot = aSnapshot(
      [aModel('x', [aDeployment('px')]), aModel('y', [aDeployment('py')])],
      [aRoute({ fallbacks: [{ model: 'y', class: 'degraded' }] })],
    );
    expect(order(planAttempts(aQuestion('x'), aWorld(snapshot)))).toEqual(['px']);
    expect(order(planAttempts(aQuestion('x', { options: { noFallback: false, allowDegraded: true } }), aWorld(snapshot)))).toEqual(['px', 'py']);
  });
  it('sends a half-open circuit its canary in front of a healthy fallback', () => {
    const views = { [A.id]: healthy({ circuit: 'half-open' }) };
    const plan = planAttempts(aQuestion('one'), aWorld(AB, { views }));
    expect([order(plan), plan.probe]).toEqual([['a', 'b'], A.id]);
    const careful = planAttempts(aQuestion('one', { options: { noFallback: true } }), aWorld(AB, { views }));
    expect([order(careful), careful.probe]).toEqual([['b'], undefined]);
  });
  it('words a reason for every candidate', () => {
    const views = { [A.id]: healthy({ circuit: 'open', retryAtMs: 1_002_000, lastError: '500' }) };
    const plan = planAttempts(aQuestion('one'), aWorld(AB, { views }));
    expect(plan.candidates.map(({ deployment, place, excluded, reasons }) => [deployment.provider.id, place, excluded, reasons[0]])).toEqual([
      ['b', 1, undefined, 'priority 0'],
      ['a', undefined, 'circuit_open', 'its circuit is open for another 2.0 s (last error: 500)'],
    ]);
  });
});

describe('for any world', () => {
  const view = fc.record({
    circuit: fc.constantFrom('closed', 'open', 'half-open'),
    availability: fc.double({ min: 0, max: 1, noNaN: true }),
    samples: fc.integer({ min: 0, max: 500 }),
    credential: fc.constantFrom('ok', 'rejected', 'rate-limited'),
  });
  const member = fc.record({
    price: fc.bigInt({ min: 0n, max: 10n ** 10n }),
    priority: fc.integer({ min: 0, max: 2 }),
    weight: fc.integer({ min: 0, max: 5 }),
    view,
  });
  const scene = fc.record({
    members: fc.array(member, { minLength: 1, maxLength: 8 }),
    seed: fc.integer(),
    strategy: fc.constantFrom('balanced', 'latency', 'cost', 'throughput'),
    sessionId: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    boundAt: fc.integer({ min: 0, max: 7 }),
  });
  const play = ({ members, seed, strategy, sessionId, boundAt }: typeof scene extends fc.Arbitrary<infer S> ? S : never) => {
    const deployments = members.map(({ price, priority, weight }, index) => aDeployment(`p${index}`, { price: aPrice(price), priority, weight }));
    const views = Object.fromEntries(deployments.map(({ id }, index) => [id, healthy(members[index]?.view as Partial<HealthView>)]));
    const snapshot = aSnapshot([aModel('m', deployments)], [aRoute({ strategy: { kind: strategy as 'cost' }, maxAttempts: 99 })]);
    const options = { noFallback: false, ...(sessionId === undefined ? {} : { sessionId }) };
    return { views, plan: planAttempts(aQuestion('m', { options }), aWorld(snapshot, { views, seed, bound: () => deployments[boundAt]?.id ?? null })) };
  };

  it('price never outvotes availability, availability never the operator', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const { plan, views } = play(given);
        const keys = plan.attempts.map(({ deployment }) => [deployment.priority, bandOf(views[deployment.id])] as const);
        const start = plan.probe === undefined ? 0 : 1;
        for (let index = start + 1; index < keys.length; index += 1) {
          const [before, after] = [keys[index - 1], keys[index]];
          if (before === undefined || after === undefined) continue;
          expect(before[0] < after[0] || (before[0] === after[0] && before[1] <= after[1])).toBe(true);
        }
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });
  it('an excluded deployment never returns, every one is explained, and the same seed gives the same plan', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const { plan, views } = play(given);
        for (const { deployment } of plan.attempts)
          expect(views[deployment.id]).toMatchObject({ credential: 'ok', circuit: expect.not.stringMatching('^open$') });
        expect(plan.candidates).toHaveLength(given.members.length);
        for (const candidate of plan.candidates) {
          expect((candidate.place === undefined) === (candidate.excluded !== undefined) && candidate.reasons.length > 0).toBe(true);
          if (candidate.usualPlace !== null) expect(wordsOfUsualPlace(candidate.usualPlace)).toEqual(candidate.reasons);
        }
        expect(play(given).plan.attempts.map(({ deployment }) => deployment.id)).toEqual(plan.attempts.map(({ deployment }) => deployment.id));
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });
  it('says as numbers what is usual, and nothing else', () => {
    const places = (view: Partial<HealthView>) =>
      planAttempts(aQuestion('m'), aWorld(aSnapshot([aModel('m', [A])]), { views: { [A.id]: healthy(view) } })).candidates.map(({ usualPlace }) => usualPlace);
    expect(places({ availability: 0.976, samples: 41.2 })).toEqual([[0, 0, 98, 41, 1]]);
    expect(places({ availability: 0.976, samples: 41, slowStartWeight: 0.5 })).toEqual([null]);
    expect(places({ circuit: 'open', retryAtMs: 9e15 })).toEqual([null]);
  });
  const bandOf = (given: HealthView | undefined): number =>
    given === undefined || given.samples < 20 || given.availability >= 0.7 ? 0 : given.availability >= 0.5 ? 1 : given.availability >= 0.3 ? 2 : 3;
});
