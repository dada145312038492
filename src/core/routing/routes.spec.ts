import fc from 'fast-check';
import { aCaller, aDeployment, aModel, aQuestion, aRequest, aRoute, aSnapshot, aWorld, needs } from '../../../test/fixtures/routing.js';
import type { Route } from '../catalog/model.js';
import type { UpstreamFailure } from '../errors/upstream-failure.js';
import type { Caller, Policy, SubstitutionLevel } from '../policy/caller.js';
import type { Plan } from './plan.js';
import { planAttempts, type PlanQuestion } from './plan-attempts.js';
import { refusalOf } from './refusal.js';
import { mayAskAfter } from './substitution.js';

const order = (plan: Plan): string[] => plan.attempts.map(({ deployment }) => deployment.provider.id);
const X = aModel('x', [aDeployment('px')]);
const Y = aModel('y', [aDeployment('py')]);
const fallbackTo = (...classes: Route['fallbacks'][number]['class'][]) => aRoute({ fallbacks: classes.map((name) => ({ model: `to-${name}`, class: name })) });
const SUBSTITUTES = ['same-model', 'equivalent', 'degraded'].map((name) => aModel(`to-${name}`, [aDeployment(name)]));
const match = (more: Partial<Route['match']>): Route['match'] => ({ model: '*', organization: '*', tag: '*', zone: '*', ...more });

describe('which route rules', () => {
  const routed = (matching: Partial<Route['match']>, question: Partial<PlanQuestion> = {}, nowMs = 0) =>
    planAttempts(aQuestion('x', question), aWorld(aSnapshot([X, Y], [aRoute({ match: match(matching) })]), { nowMs, zone: 'kr' })).route;
  const at = (time: string) => Date.parse(`2026-11-23T${time}:00Z`);

  it.each<[string, Partial<Route['match']>, Partial<PlanQuestion>, number, boolean]>([
    ['model', { model: 'x*' }, {}, 0, true],
    ['another model', { model: 'y' }, {}, 0, false],
    ['organization', { organization: 'org_*' }, {}, 0, true],
    ['another organization', { organization: 'org_2' }, {}, 0, false],
    ['one of its tags', { tag: 'b?' }, { options: { noFallback: false, tags: ['a', 'b1'] } }, 0, true],
    ['no such tag', { tag: 'b?' }, { options: { noFallback: false, tags: ['a'] } }, 0, false],
    ['zone of the engine', { zone: 'kr' }, {}, 0, true],
    ['zone of the project', { zone: 'kr' }, { caller: aCaller({}, { zone: 'jp' }) }, 0, false],
    ['size, both ends', { promptTokens: { min: 100, max: 100 } }, { needs: needs({ promptTokensEstimate: 100 }) }, 0, true],
    ['too small', { promptTokens: { min: 101 } }, { needs: needs({ promptTokensEstimate: 100 }) }, 0, false],
    ['too large', { promptTokens: { max: 99 } }, { needs: needs({ promptTokensEstimate: 100 }) }, 0, false],
    ['time, in UTC', { time: { from: '09:00', to: '18:00' } }, {}, at('09:00'), true],
    ['another time', { time: { from: '09:00', to: '18:00' } }, {}, at('18:00'), false],
    ['time in its own timezone', { time: { timezone: 'Asia/Seoul', days: [1], from: '09:00', to: '18:00' } }, {}, at('00:30'), true],
  ])('%s', (_name, matching, question, nowMs, rules) => {
    expect(routed(matching, question, nowMs)).toBe(rules ? 'r' : undefined);
  });

  it('the first that matches', () => {
    const routes = [aRoute({ name: 'large', match: match({ promptTokens: { min: 1_000 } }) }), aRoute({ name: 'other' })];
    const ruling = (tokens: number) => planAttempts(aQuestion('x', { needs: needs({ promptTokensEstimate: tokens }) }), aWorld(aSnapshot([X], routes))).route;
    expect([ruling(999), ruling(1_000)]).toEqual(['other', 'large']);
  });
});

describe('substitutes', () => {
  const world = aWorld(aSnapshot([X, ...SUBSTITUTES], [{ ...fallbackTo('same-model', 'equivalent', 'degraded'), maxAttempts: 4 }]));
  const served = (caller: Caller, options: PlanQuestion['options'] = { noFallback: false }) =>
    planAttempts(aQuestion('x', { caller, options }), world).candidates.filter(({ excluded }) => excluded === undefined || excluded === 'attempts_exhausted').map(({ deployment }) => deployment.provider.id);
  const layered = (...levels: (SubstitutionLevel | undefined)[]): Caller =>
    aCaller({}, { layers: levels.map((substitution, index) => ({ layer: (['organization', 'project', 'key'] as const)[index] ?? 'key', id: `id_${index}`, policy: substitution === undefined ? {} : { substitution }, limits: {} })) });

  it.each<[string, Caller, boolean, string[]]>([
    ['up to equivalent by default', aCaller(), false, ['px', 'same-model', 'equivalent']],
    ['degraded when the request asks', aCaller(), true, ['px', 'same-model', 'equivalent', 'degraded']],
    ['degraded when the key says so', layered(undefined, undefined, 'degraded'), false, ['px', 'same-model', 'equivalent', 'degraded']],
    ['never further than a layer says, whatever the request asks', layered('same-model', undefined, 'degraded'), true, ['px', 'same-model']],
    ['none', layered(undefined, 'none'), true, ['px']],
  ])('%s', (_name, caller, allowDegraded, expected) => {
    expect(served(caller, { noFallback: false, allowDegraded })).toEqual(expected);
  });
  it('none under x-og-no-fallback, and the explanation says why', () => {
    expect(served(layered('degraded'), { noFallback: true, allowDegraded: true })).toEqual(['px']);
    const plan = planAttempts(aQuestion('x', { caller: layered(undefined, undefined, 'same-model') }), world);
    expect(plan.candidates.map(({ deployment, excluded, reasons }) => [deployment.provider.id, excluded, reasons[0]]).slice(2)).toEqual([
      ['equivalent', 'substitution', 'the policy `substitution` of key id_2 allows none further than same-model'],
      ['degraded', 'substitution', 'the policy `substitution` of key id_2 allows none further than same-model'],
    ]);
  });
  it('a further layer never loosens', () => {
    const level = fc.option(fc.constantFrom<SubstitutionLevel>('none', 'same-model', 'equivalent', 'degraded'), { nil: undefined });
    fc.assert(
      fc.property(level, level, fc.boolean(), (one, other, allowDegraded) => {
        const narrow = served(layered(one, other), { noFallback: false, allowDegraded });
        if (one !== undefined) for (const id of narrow) expect(served(layered(one), { noFallback: false, allowDegraded })).toContain(id);
      }),
      { numRuns: 200 },
    );
  });
});

describe('failures of the request itself', () => {
  const small = aModel('x', [aDeployment('px', { capabilities: { contextWindow: 1_000 } })]);
  const large = aModel('y', [aDeployment('py', { capabilities: { contextWindow: 9_000 } })]);
  const long = needs({ promptTokensEstimate: 5_000 });
  const snapshot = (fallbackOn: Route['fallbackOn']) => aSnapshot([small, large], [aRoute({ fallbacks: [{ model: 'y', class: 'equivalent' }], fallbackOn })]);
  const failure = (code: UpstreamFailure['code'], tryElsewhere = false): UpstreamFailure => ({ kind: 'http', status: 400, code, message: '', tryElsewhere, health: 'none', maybeBilled: false });

  it('a prompt too long goes to a larger window only where the route says so, or the client did', () => {
    const kept = planAttempts(aQuestion('x', { needs: long }), aWorld(snapshot([])));
    expect([order(kept), refusalOf(kept).code, kept.candidates[1]?.excluded]).toEqual([[], 'context_length_exceeded', 'substitution']);
    expect(order(planAttempts(aQuestion('x', { needs: long }), aWorld(snapshot(['context_length']))))).toEqual(['py']);
    expect(order(planAttempts(aQuestion('x', { needs: long, request: aRequest('x', { models: ['y'] }) }), aWorld(snapshot([]))))).toEqual(['py']);
  });
  it.each<[UpstreamFailure['code'], Route['fallbackOn'], boolean]>([
    ['context_length_exceeded', [], false],
    ['context_length_exceeded', ['context_length'], true],
    ['content_policy_violation', ['context_length'], false],
    ['content_policy_violation', ['content_filter'], true],
    ['invalid_request', ['context_length', 'content_filter', 'timeout'], false],
  ])('%s under %j: elsewhere %s', (code, fallbackOn, elsewhere) => {
    const plan = planAttempts(aQuestion('x'), aWorld(snapshot(fallbackOn)));
    const [first, next] = plan.attempts as [Plan['attempts'][number], Plan['attempts'][number]];
    expect(mayAskAfter(failure(code), plan, first, next)).toBe(elsewhere);
    if (code === 'context_length_exceeded') expect(mayAskAfter(failure(code), plan, next, first)).toBe(false);
    expect(mayAskAfter(failure('upstream_error', true), plan, next, first)).toBe(true);
  });
});

describe('an experiment', () => {
  const arms = { control: { weight: 80, to: 'px' }, challenger: { weight: 20, to: 'y' } };
  const world = (more: object = {}) => aWorld(aSnapshot([X, Y], [aRoute({ strategy: { kind: 'weighted', arms } })]), more);
  const session = (sessionId: string, more: Partial<PlanQuestion['options']> = {}) => aQuestion('x', { options: { noFallback: false, sessionId, ...more } });

  it('draws by weight, keeps a session on its arm, falls back to what was asked for', () => {
    const plans = Array.from({ length: 2_000 }, (_, index) => planAttempts(session(`s${index}`), world({ seed: index })));
    const drawn = plans.filter(({ arm }) => arm === 'challenger');
    expect(drawn.length / plans.length).toBeCloseTo(0.2, 1);
    expect([order(drawn[0] as Plan), drawn[0]?.model.id, drawn[0]?.attempts[0]?.fallback]).toEqual([['py', 'px'], 'y', 'arm challenger of route r']);
    expect(plans.filter(({ arm }) => arm === 'control').every((plan) => order(plan).join() === 'px')).toBe(true);
    for (let seed = 0; seed < 50; seed += 1) expect(planAttempts(session('s1'), world({ seed })).arm).toBe(planAttempts(session('s1'), world()).arm);
  });
  it('gives another model to nobody who forbids it, by request or by policy', () => {
    const strict: Policy[] = [{ substitution: 'same-model' }, { models: { deny: ['y'] } }, { providers: { deny: ['py'] } }];
    for (let index = 0; index < 100; index += 1) {
      expect(order(planAttempts(session(`s${index}`, { noFallback: true }), world()))).toEqual(['px']);
      for (const policy of strict) expect(order(planAttempts({ ...session(`s${index}`), caller: aCaller(policy) }, world()))).toEqual(['px']);
    }
  });
  it('is independent of another route’s', () => {
    const named = (name: string) => aWorld(aSnapshot([X, Y], [aRoute({ name, strategy: { kind: 'weighted', arms: { a: { weight: 1, to: 'px' }, b: { weight: 1, to: 'y' } } } })]));
    const [one, other] = [named('one'), named('other')];
    const same = Array.from({ length: 1_000 }, (_, index) => planAttempts(session(`s${index}`), one).arm === planAttempts(session(`s${index}`), other).arm);
    expect(same.filter(Boolean).length / 1_000).toBeCloseTo(0.5, 1);
  });
});

describe('what keeps requests together', () => {
  const AB = [aDeployment('a'), aDeployment('b')];
  const plan = (affinity: Route['affinity'], request: object, options: object = {}) =>
    planAttempts(aQuestion('x', { request: aRequest('x', request), options: { noFallback: false, ...options } }), aWorld(aSnapshot([aModel('x', AB)], [aRoute({ affinity })])));
  const long = { messages: [{ role: 'user', parts: [{ type: 'text', text: 'y'.repeat(5_000) }] }] };

  it('the session before the cache key before metadata before the prefix', () => {
    const all = { ...long, promptCacheKey: 'k', metadata: { session_id: 'm' }, user: 'u' };
    expect(plan(['session_id'], all, { sessionId: 's' }).affinity?.source).toBe('session');
    expect(plan(['session_id'], all).affinity?.source).toBe('prompt_cache_key');
    expect(plan(['session_id', 'user'], { ...long, metadata: { session_id: 'm' } }).affinity?.source).toBe('metadata');
    expect(plan(['session_id', 'user'], { ...long, user: 'u' }).affinity?.source).toBe('metadata');
    expect(plan([], { ...long, metadata: { session_id: 'm' }, user: 'u' }).affinity?.source).toBe('prefix');
    expect(plan([], {}).affinity?.source).toBeUndefined();
    expect(plan(null, all, { sessionId: 's' }).affinityKey).toBeUndefined();
  });
  it('a prefix from the length on from which its models cache', () => {
    const cache = { lifetimeMs: 1, minTokens: 4_096 };
    const cached = aSnapshot([aModel('x', AB.map((deployment) => ({ ...deployment, cache })))]);
    expect(planAttempts(aQuestion('x', { request: aRequest('x', long as object) }), aWorld(cached)).affinityKey).toBeUndefined();
  });
});

describe('for any route, policy and memory', () => {
  const ids = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'];
  const scene = fc.record({
    denied: fc.subarray(ids),
    open: fc.subarray(ids),
    strategy: fc.constantFrom<Route['strategy']>({ kind: 'cost' }, { kind: 'balanced' }, { kind: 'weighted', arms: { a: { weight: 1, to: 'm1' }, b: { weight: 1, to: 'p0' }, c: { weight: 2, to: 'p5' } } }),
    classes: fc.array(fc.constantFrom<Route['fallbacks'][number]['class']>('same-model', 'equivalent', 'degraded'), { maxLength: 2 }),
    bound: fc.constantFrom(...ids),
    seed: fc.integer(),
    allowDegraded: fc.boolean(),
    sessionId: fc.string({ minLength: 1 }),
  });

  it('what is excluded never returns through memory, fallback, experiment or exploration', () => {
    fc.assert(
      fc.property(scene, ({ denied, open, strategy, classes, bound, seed, allowDegraded, sessionId }) => {
        const models = [0, 1, 2].map((index) => aModel(`m${index}`, [aDeployment(`p${2 * index}`), aDeployment(`p${2 * index + 1}`)]));
        const fallbacks = classes.map((name, index) => ({ model: `m${index + 1}`, class: name }));
        const views = Object.fromEntries(open.map((id) => [`${id}/m#main`, { circuit: 'open' as const, availability: 0, samples: 100, slowStartWeight: 1, credential: 'ok' as const }]));
        const world = aWorld(aSnapshot(models, [aRoute({ strategy, fallbacks })]), { seed, views, bound: () => `${bound}/m#main` });
        const plan = planAttempts(aQuestion('m0', { caller: aCaller({ providers: { deny: denied } }), options: { noFallback: false, allowDegraded, sessionId } }), world);
        for (const { deployment, substitution, excluded } of plan.attempts) {
          expect([denied.includes(deployment.provider.id), open.includes(deployment.provider.id), excluded]).toEqual([false, false, undefined]);
          if (!allowDegraded) expect(substitution).not.toBe('degraded');
        }
        expect(plan.candidates.every((candidate) => (candidate.place === undefined) === (candidate.excluded !== undefined))).toBe(true);
      }),
      { seed: 20261129, numRuns: 300 },
    );
  });
});
