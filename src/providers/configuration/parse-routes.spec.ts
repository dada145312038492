import type { GatewayError } from '../../core/errors/gateway-error.js';
import { parseRoutes } from './parse-routes.js';
import { renderRoute } from './render-document.js';

const EVERYTHING = {
  name: 'all',
  match: { model: 'openai/*', organization: 'org_?', tag: 'batch', zone: 'kr', time: { timezone: 'Asia/Seoul', days: [1, 2], from: '09:00', to: '18:00' }, prompt_tokens: { min: 10, max: 99 } },
  strategy: { weighted: { 'claude-kr': 90, challenger: { weight: 10, to: 'openai/gpt-5' } } },
  fallbacks: [{ model: 'a', class: 'same-model' }, { model: 'b', class: 'degraded' }],
  max_attempts: 2,
  fallback_on: ['context_length', 'content_filter', 'timeout'],
  affinity: { metadata: ['session_id', 'user'] },
  limits: { rpm: 5, concurrency: 2 },
  shadow: { to: 'lab/new', share: 0.25, budget_usd: '2.5', concurrency: 3 },
};

const refusal = (route: object): { param: string | null; message: string } => {
  try {
    parseRoutes([{ name: 'r', ...route }]);
  } catch (error) {
    return error as GatewayError;
  }
  throw new Error('was not refused');
};

describe('routes of the document', () => {
  it('are written as they were read', () => {
    const rendered = parseRoutes([EVERYTHING]).map(renderRoute);
    expect(rendered).toEqual([EVERYTHING]);
    expect(parseRoutes(rendered)).toEqual(parseRoutes([EVERYTHING]));
  });

  it('need a name and nothing else', () => {
    const [route] = parseRoutes([{ name: 'r' }]);
    expect(route).toEqual({
      name: 'r',
      match: { model: '*', organization: '*', tag: '*', zone: '*' },
      strategy: { kind: 'balanced' },
      fallbacks: [],
      maxAttempts: 3,
      fallbackOn: [],
      affinity: [],
      limits: {},
    });
    expect(parseRoutes([{ name: 'off', affinity: 'off' }]).map(renderRoute)).toEqual([expect.objectContaining({ affinity: 'off' })]);
  });

  it.each<[object, string]>([
    [{ match: { modle: 'x' } }, 'routes[0].match.modle'],
    [{ match: { prompt_tokens: {} } }, 'routes[0].match.prompt_tokens'],
    [{ match: { prompt_tokens: { min: 5, max: 4 } } }, 'routes[0].match.prompt_tokens.max'],
    [{ match: { prompt_tokens: { min: '5' } } }, 'routes[0].match.prompt_tokens.min'],
    [{ match: { time: { timezone: 'Seoul' } } }, 'routes[0].match.time.timezone'],
    [{ strategy: 'cheap' }, 'routes[0].strategy'],
    [{ strategy: { weighted: [] } }, 'routes[0].strategy.weighted'],
    [{ strategy: { weighted: { a: -1 } } }, 'routes[0].strategy.weighted.a'],
    [{ strategy: { weighted: { a: { to: 'x' } } } }, 'routes[0].strategy.weighted.a.weight'],
    [{ strategy: { weighted: { a: { weight: 1, too: 'x' } } } }, 'routes[0].strategy.weighted.a.too'],
    [{ fallbacks: [{ class: 'equivalent' }] }, 'routes[0].fallbacks[0].model'],
    [{ fallbacks: [{ model: 'a', class: 'same' }] }, 'routes[0].fallbacks[0].class'],
    [{ fallback_on: ['content-filter'] }, 'routes[0].fallback_on[0]'],
    [{ affinity: { metadata: [5] } }, 'routes[0].affinity.metadata[0]'],
    [{ limits: { rpm: 0 } }, 'routes[0].limits.rpm'],
    [{ limits: { tpm: 5 } }, 'routes[0].limits.tpm'],
    [{ shadow: { to: 'x', share: 0.5 } }, 'routes[0].shadow.budget_usd'],
    [{ shadow: { to: 'x', share: 0, budget_usd: '1' } }, 'routes[0].shadow.share'],
    [{ shadow: { to: 'x', share: 1, budget_usd: '-1' } }, 'routes[0].shadow.budget_usd'],
    [{ shadow: { share: 1, budget_usd: '1' } }, 'routes[0].shadow.to'],
    [{ shadow: { to: 'x', share: 1, budget_usd: '1', concurrency: 65 } }, 'routes[0].shadow.concurrency'],
  ])('%j is refused at its path', (route, param) => {
    const refused = refusal(route);
    expect(refused.param).toBe(param);
    expect(refused.message).toContain(param);
  });

  it('have one name each', () => {
    expect(() => parseRoutes([{ name: 'r' }, { name: 'r' }])).toThrow(/routes\[1\]\.name is "r" a second time/);
  });
});
