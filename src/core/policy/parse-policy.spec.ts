import { GatewayError } from '../errors/gateway-error.js';
import { parseBudget, parseLimits } from './parse-limits.js';
import { parsePolicy } from './parse-policy.js';

function refusal(work: () => unknown): { param: string | null; message: string; code: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return { param: error.param, message: error.message, code: error.code };
    throw error;
  }
  throw new Error('was accepted');
}

describe('parsePolicy', () => {
  it('reads the policy of the contract', () => {
    const policy = {
      models: { allow: ['anthropic/*'], deny: ['*mini*'] },
      classes: { deny: ['premium'] },
      providers: { allow: ['claude-kr'] },
      zones: ['kr'],
      max_price: { input: '3.00', output: '15' },
      capabilities: { reasoning: false, vision: true, images: false, audio: false, tools: true },
      streaming: true,
      max_output_tokens: 4096,
      params: 'strict',
      store: 'full',
      ips: ['10.0.0.0/8', '2001:db8::/32', '::1'],
      schedule: { timezone: 'Asia/Seoul', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' },
      fit_to_credit: false,
    };
    expect(parsePolicy(policy)).toEqual(policy);
    expect(parsePolicy({})).toEqual({});
  });

  it.each([
    [{ model: { allow: [] } }, 'policy.model', 'models'],
    [{ models: { alow: [] } }, 'policy.models.alow', 'allow'],
    [{ capabilities: { resoning: false } }, 'policy.capabilities.resoning', 'reasoning'],
    [{ store: 'ful' }, 'policy.store', 'full'],
    [{ is_admin: true }, 'policy.is_admin', 'Known:'],
  ])('names the path and the nearest known name: %j', (value, param, word) => {
    const { param: actual, message, code } = refusal(() => parsePolicy(value));
    expect([code, actual]).toEqual(['invalid_request', param]);
    expect(message).toContain(word);
  });

  it.each<[unknown, string]>([
    [null, 'policy'],
    [[], 'policy'],
    ['', 'policy'],
    [{ models: null }, 'policy.models'],
    [{ models: { allow: 'gpt' } }, 'policy.models.allow'],
    [{ models: { deny: ['a', 5] } }, 'policy.models.deny[1]'],
    [{ models: { deny: [' '] } }, 'policy.models.deny[0]'],
    [{ streaming: 'false' }, 'policy.streaming'],
    [{ max_output_tokens: 0 }, 'policy.max_output_tokens'],
    [{ max_output_tokens: 1.5 }, 'policy.max_output_tokens'],
    [{ max_output_tokens: 2 ** 53 }, 'policy.max_output_tokens'],
    [{ max_price: { input: 3 } }, 'policy.max_price.input'],
    [{ max_price: { output: '-1' } }, 'policy.max_price.output'],
    [{ ips: ['10.0.0.0/33'] }, 'policy.ips[0]'],
    [{ ips: ['0177.0.0.1'] }, 'policy.ips[0]'],
    [{ schedule: { timezone: 'Seoul' } }, 'policy.schedule.timezone'],
    [{ schedule: { timezone: '+09:00' } }, 'policy.schedule.timezone'],
    [{ schedule: { from: '9:00' } }, 'policy.schedule.from'],
    [{ schedule: { from: '09:00', to: '09:00' } }, 'policy.schedule.to'],
    [{ schedule: { days: [7] } }, 'policy.schedule.days[0]'],
    [JSON.parse('{"__proto__": {"streaming": false}}'), 'policy.__proto__'],
  ])('refuses %j', (value, param) => {
    expect(refusal(() => parsePolicy(value)).param).toBe(param);
  });
});

describe('parseLimits and parseBudget', () => {
  it('reads what the contract writes', () => {
    expect(parseLimits({ rpm: 10, tpm: 1000, rpd: 100, concurrency: 2 })).toEqual({ rpm: 10, tpm: 1000, rpd: 100, concurrency: 2 });
    expect(parseBudget({ amount_usd: '1.00', period: 'day' })).toEqual({ amount_usd: '1.00', period: 'day' });
  });

  it.each<[unknown, string]>([
    [{ rpm: 0 }, 'limits.rpm'],
    [{ rpm: -1 }, 'limits.rpm'],
    [{ rpm: '10' }, 'limits.rpm'],
    [{ rpm: Infinity }, 'limits.rpm'],
    [{ rps: 1 }, 'limits.rps'],
    [{ tpm: null }, 'limits.tpm'],
  ])('refuses the limits %j', (value, param) => {
    expect(refusal(() => parseLimits(value)).param).toBe(param);
  });

  it.each<[unknown, string]>([
    [{ amount_usd: 5, period: 'day' }, 'budget.amount_usd'],
    [{ amount_usd: '-5', period: 'day' }, 'budget.amount_usd'],
    [{ amount_usd: '5' }, 'budget.period'],
    [{ period: 'day' }, 'budget.amount_usd'],
    [{ amount_usd: '5', period: 'year' }, 'budget.period'],
  ])('refuses the budget %j', (value, param) => {
    expect(refusal(() => parseBudget(value)).param).toBe(param);
  });
});
