import fc from 'fast-check';
import type { Price } from '../pricing/price.js';
import type { Caller, CallerLayer, Policy } from './caller.js';
import { decide, mayUseModel, type PolicyQuestion } from './decide.js';
import { denyDeployment, type DeploymentQuestion } from './decide-deployment.js';
import { effectiveFitToCredit, effectivePolicy, effectiveStore, effectiveStrictParams, narrowStore } from './effective-policy.js';

const NAMES = ['organization', 'project', 'key'] as const;

function callerWith(policies: readonly Policy[], zone?: string): Caller {
  const layers = policies.map((policy, index): CallerLayer => ({ layer: NAMES[index] ?? 'key', id: `id_${index}`, policy, limits: {} }));
  return {
    keyId: 'key_1',
    keyName: 'test',
    projectId: 'prj_1',
    organizationId: 'org_1',
    layers,
    store: effectiveStore(layers),
    strictParams: effectiveStrictParams(layers),
    timezone: 'Asia/Seoul',
    currency: 'USD',
    zone,
  };
}

const chat: PolicyQuestion = {
  nowMs: Date.parse('2026-11-23T03:00:00Z'),
  clientIp: '10.1.2.3',
  model: { id: 'anthropic/claude-sonnet-4.5', aliases: ['claude-sonnet-4-5'], class: 'premium' },
  streaming: true,
  needs: { reasoning: true, vision: true, tools: true },
  output: { maxTokens: 1000, parameter: 'max_tokens' },
};

describe('decide', () => {
  it('allows what no policy names', () => {
    expect(decide(callerWith([{}, {}, {}]), chat)).toEqual({ allowed: true, maxOutputTokens: 1000, adjustments: [] });
  });

  it.each<[Policy, string, string]>([
    [{ models: { allow: ['openai/*'] } }, 'model_not_allowed', 'models.allow'],
    [{ models: { allow: [] } }, 'model_not_allowed', 'models.allow'],
    [{ models: { allow: ['*'], deny: ['anthropic/*'] } }, 'model_not_allowed', 'models.deny'],
    [{ models: { deny: ['CLAUDE-sonnet-?-5'] } }, 'model_not_allowed', 'models.deny'],
    [{ classes: { deny: ['premium'] } }, 'class_not_allowed', 'classes.deny'],
    [{ classes: { allow: ['economy'] } }, 'class_not_allowed', 'classes.allow'],
    [{ streaming: false }, 'streaming_not_allowed', 'streaming'],
    [{ capabilities: { reasoning: false } }, 'capability_not_allowed', 'capabilities.reasoning'],
    [{ capabilities: { vision: false } }, 'capability_not_allowed', 'capabilities.vision'],
    [{ capabilities: { tools: false } }, 'capability_not_allowed', 'capabilities.tools'],
    [{ ips: ['192.168.0.0/16'] }, 'ip_not_allowed', 'ips'],
    [{ schedule: { from: '13:00' } }, 'schedule_not_allowed', 'schedule'],
  ])('denies by %j and names rule and layer', (policy, code, rule) => {
    const decision = decide(callerWith([{}, policy, {}]), chat);
    expect(decision).toMatchObject({ allowed: false, code, rule, layer: 'project', layerId: 'id_1' });
    if (!decision.allowed) expect(decision.message).toContain(`\`${rule}\` of project id_1`);
  });

  it.each<Policy>([
    { models: { allow: ['anthropic/*'] } },
    { models: { allow: ['claude-sonnet-4-5'] } },
    { classes: { allow: ['premium'] } },
    { streaming: true },
    { capabilities: { images: false, audio: false, vision: true } },
    { ips: ['10.0.0.0/8'] },
    { schedule: { from: '12:00', to: '13:00' } },
  ])('allows by %j', (policy) => {
    expect(decide(callerWith([{}, {}, policy]), chat).allowed).toBe(true);
  });

  it('does not judge what an endpoint does not have, and refuses what it does not know', () => {
    expect(decide(callerWith([{ models: { allow: [] }, streaming: false, capabilities: { tools: false } }]), { nowMs: 0 }).allowed).toBe(true);
    expect(decide(callerWith([{ ips: ['0.0.0.0/0'] }]), { nowMs: 0 })).toMatchObject({ code: 'ip_not_allowed' });
    expect(decide(callerWith([{ classes: { allow: ['a'] } }]), { nowMs: 0, model: { id: 'x' } })).toMatchObject({ code: 'class_not_allowed' });
  });

  it('clamps the output to the smallest cap, gives it to requests without one, and reports both', () => {
    const caller = callerWith([{ max_output_tokens: 500 }, { max_output_tokens: 200 }, { max_output_tokens: 800 }]);
    expect(decide(caller, chat)).toEqual({
      allowed: true,
      maxOutputTokens: 200,
      adjustments: [{ parameter: 'max_tokens', action: 'clamped', detail: '200' }],
    });
    const without = decide(caller, { ...chat, output: { maxTokens: undefined, parameter: 'max_completion_tokens' } });
    expect(without).toMatchObject({ maxOutputTokens: 200, adjustments: [{ parameter: 'max_completion_tokens', action: 'defaulted' }] });
    expect(decide(caller, { ...chat, output: { maxTokens: 200, parameter: 'max_tokens' } })).toMatchObject({ adjustments: [] });
  });

  it('filters lists by model and class alone', () => {
    const caller = callerWith([{ ips: ['1.2.3.4'], models: { deny: ['*mini*'] } }]);
    expect(mayUseModel(caller, { id: 'openai/gpt-5' })).toBe(true);
    expect(mayUseModel(caller, { id: 'openai/gpt-5-mini' })).toBe(false);
  });
});

const price = (input: bigint, output: bigint): Price => ({
  id: 'p',
  free: false,
  tokens: { input, output },
  tiers: [{ minPromptTokens: 1000, tokens: { input: input * 2n, output: output * 2n } }],
  perRequestNanoUsd: 0n,
  perImageNanoUsd: 0n,
  perSecondNanoUsd: 0n,
});
const deployment: DeploymentQuestion = {
  providerId: 'claude-kr',
  providerType: 'anthropic',
  zones: ['kr'],
  price: price(3_000_000_000n, 15_000_000_000n),
  promptTokensEstimate: 100,
};

describe('denyDeployment', () => {
  it.each<[Policy, Partial<DeploymentQuestion>, string | null]>([
    [{ providers: { allow: ['claude-kr'] } }, {}, null],
    [{ providers: { allow: ['anthropic'] } }, {}, 'provider_not_allowed'],
    [{ providers: { deny: ['anthropic'] } }, {}, 'provider_not_allowed'],
    [{ zones: ['kr'] }, {}, null],
    [{ zones: ['kr'] }, { zones: ['kr', 'jp'] }, 'zone_not_allowed'],
    [{ zones: ['kr', 'jp'] }, { zones: ['jp', 'kr'] }, null],
    [{ zones: ['kr'] }, { zones: [] }, 'zone_not_allowed'],
    [{ zones: [] }, {}, 'zone_not_allowed'],
    [{ max_price: { input: '3', output: '15.000000000' } }, {}, null],
    [{ max_price: { input: '2.999999999' } }, {}, 'price_not_allowed'],
    [{ max_price: { output: '14.99' } }, {}, 'price_not_allowed'],
    [{ max_price: { input: '3' } }, { promptTokensEstimate: 910 }, 'price_not_allowed'],
    [{ max_price: { input: '3' } }, { price: null }, 'price_not_allowed'],
    [{ max_price: { input: '0' } }, { price: { ...price(0n, 0n), free: true } }, null],
  ])('%j for %j: %s', (policy, change, code) => {
    expect(denyDeployment(callerWith([{}, policy, {}]), { ...deployment, ...change })?.code ?? null).toBe(code);
  });

  it('pins to the project’s zone', () => {
    expect(denyDeployment(callerWith([{}, {}, {}], 'jp'), deployment)).toMatchObject({ code: 'zone_not_allowed', layer: 'project' });
    expect(denyDeployment(callerWith([{}, { zones: ['kr'] }, {}], 'kr'), deployment)).toBeNull();
    expect(denyDeployment(callerWith([{}, { zones: ['jp'] }, {}], 'kr'), deployment)).toMatchObject({ code: 'zone_not_allowed' });
  });
});

const globs = fc.array(fc.constantFrom('a*', '*b', 'ab', '*', 'a?', 'b*'), { maxLength: 3 });
const rule = fc.record({ allow: globs, deny: globs }, { requiredKeys: [] });
const anyPolicy: fc.Arbitrary<Policy> = fc.record(
  {
    models: rule,
    classes: rule,
    providers: rule,
    zones: fc.array(fc.constantFrom('kr', 'jp'), { maxLength: 2 }),
    max_price: fc.record({ input: fc.constantFrom('1', '2.5'), output: fc.constantFrom('1', '9.000000001') }, { requiredKeys: [] }),
    capabilities: fc.record({ reasoning: fc.boolean(), vision: fc.boolean(), tools: fc.boolean() }, { requiredKeys: [] }),
    streaming: fc.boolean(),
    max_output_tokens: fc.integer({ min: 1, max: 50 }),
    store: fc.constantFrom('none', 'metadata', 'full'),
    params: fc.constantFrom('lenient', 'strict'),
    ips: fc.array(fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '::/0'), { maxLength: 2 }),
    schedule: fc.record({ days: fc.constantFrom([1], [0, 1, 2]), from: fc.constantFrom('09:00', '20:00') }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const anyQuestion: fc.Arbitrary<PolicyQuestion> = fc.record({
  nowMs: fc.integer({ min: 1_700_000_000_000, max: 1_700_700_000_000 }),
  clientIp: fc.constantFrom('10.1.0.1', '10.2.0.1', '192.0.2.1', undefined),
  model: fc.record({ id: fc.constantFrom('ab', 'aa', 'bb', 'b'), class: fc.constantFrom('ab', 'b') }),
  streaming: fc.boolean(),
  needs: fc.record({ reasoning: fc.boolean(), vision: fc.boolean(), tools: fc.boolean() }),
  output: fc.record({ maxTokens: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }), parameter: fc.constant('max_tokens') }),
});

describe('a further layer never loosens', () => {
  it('neither a decision nor a cap', () => {
    fc.assert(
      fc.property(anyPolicy, anyPolicy, anyQuestion, (one, other, question) => {
        const wide = decide(callerWith([one]), question);
        const narrow = decide(callerWith([one, other]), question);
        if (!wide.allowed) return expect(narrow).toEqual(wide);
        if (!narrow.allowed) return undefined;
        return expect(narrow.maxOutputTokens ?? Infinity).toBeLessThanOrEqual(wide.maxOutputTokens ?? Infinity);
      }),
      { numRuns: 500 },
    );
  });

  it('nor a deployment, nor what is stored or reported', () => {
    const questions = fc.record({
      providerId: fc.constantFrom('ab', 'b'),
      providerType: fc.constantFrom('ab', 'aa'),
      zones: fc.array(fc.constantFrom('kr', 'jp'), { maxLength: 2 }),
      price: fc.constantFrom(null, price(1_000_000_000n, 9_000_000_000n), price(2n, 2n)),
      promptTokensEstimate: fc.integer({ min: 0, max: 2000 }),
    });
    fc.assert(
      fc.property(anyPolicy, anyPolicy, questions, (one, other, question) => {
        const wide = callerWith([one]);
        const both = callerWith([one, other]);
        if (denyDeployment(wide, question) !== null) expect(denyDeployment(both, question)).not.toBeNull();
        if (one.store !== undefined) expect(narrowStore(wide.store, both.store)).toBe(both.store);
        if (wide.strictParams) expect(both.strictParams).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('and the order of layers does not matter to the outcome', () => {
    fc.assert(
      fc.property(anyPolicy, anyPolicy, anyQuestion, (one, other, question) => {
        expect(decide(callerWith([one, other]), question).allowed).toBe(decide(callerWith([other, one]), question).allowed);
      }),
      { numRuns: 300 },
    );
  });
});

describe('effectivePolicy', () => {
  it('shows the layers as one', () => {
    const caller = callerWith(
      [
        { models: { allow: ['anthropic/*', 'openai/*'], deny: ['*mini*'] }, max_output_tokens: 900, max_price: { input: '10' }, ips: ['10.0.0.0/8'] },
        { models: { allow: ['anthropic/claude-*', '*sonnet*'] }, zones: ['kr', 'jp'], capabilities: { audio: false, tools: true }, ips: ['10.1.0.0/16', '::1'] },
        { max_output_tokens: 100, max_price: { input: '9.5', output: '20' }, streaming: false, store: 'full' },
      ],
      'kr',
    );
    expect(effectivePolicy(caller)).toEqual({
      models: { allow: ['anthropic/claude-*', 'anthropic/* & *sonnet*', 'openai/* & *sonnet*'], deny: ['*mini*'] },
      zones: ['kr'],
      max_price: { input: '9.5', output: '20' },
      capabilities: { audio: false },
      streaming: false,
      max_output_tokens: 100,
      params: 'lenient',
      store: 'full',
      ips: ['10.1.0.0/16'],
      fit_to_credit: false,
      substitution: 'equivalent',
    });
  });

  it('shows all hours when several layers have some: every one must allow', () => {
    const [office, night] = [{ from: '09:00', to: '18:00' }, { timezone: 'UTC', from: '22:00' }];
    expect(effectivePolicy(callerWith([{ schedule: office }, {}]))).toMatchObject({ schedule: office });
    expect(effectivePolicy(callerWith([{ schedule: office }, { schedule: night }]))).toMatchObject({ schedules: [office, night] });
  });

  it('stores metadata unless a layer says otherwise, and the narrowest of what they say', () => {
    expect(callerWith([{}, {}]).store).toBe('metadata');
    expect(callerWith([{ store: 'full' }, {}]).store).toBe('full');
    expect(callerWith([{ store: 'none' }, { store: 'full' }]).store).toBe('none');
    expect(narrowStore('metadata', 'full')).toBe('metadata');
  });

  it('fits answers to credit only when wanted and not forbidden', () => {
    const fit = (...words: (boolean | undefined)[]): boolean =>
      effectiveFitToCredit(callerWith(words.map((word) => (word === undefined ? {} : { fit_to_credit: word }))).layers);
    expect([fit(), fit(undefined, true), fit(false, true), fit(true, true)]).toEqual([false, true, false, true]);
  });
});
