import fc from 'fast-check';
import { openaiChat } from '../../core/protocols/openai-chat/index.js';
import { applyModelParameters, applyWords, DialectReport, type RequestWord, type Wire } from './index.js';

const CLIENT = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };

/** Applies words to what an OpenAI client sent (`native`), and says what was reported. */
function apply(words: RequestWord[], members: Wire, native = true): { wire: Wire; report: string[] } {
  const request = openaiChat.parseRequest({ ...CLIENT, ...members });
  const report = new DialectReport(request, native);
  const wire = applyWords({ ...CLIENT, ...members }, words, report);
  return { wire, report: report.adjustments.map((item) => `${item.parameter}=${item.action}${item.detail === undefined ? '' : `:${item.detail}`}`) };
}
const omitting = (wire: Wire, ...names: string[]) => Object.fromEntries(Object.entries(wire).filter(([name]) => !names.includes(name)));

describe('omit', () => {
  it('drops and reports', () => expect(apply([{ omit: ['top_k', 'seed'] }], { top_k: 5 })).toEqual({ wire: CLIENT, report: ['top_k=dropped'] }));
  it('reaches into members without touching their neighbours', () => {
    const neighbour = { deep: true };
    const { wire } = apply([{ omit: ['config.a'] }], { config: { a: 1, neighbour } });
    expect(wire['config']).toEqual({ neighbour });
    expect((wire['config'] as Wire)['neighbour']).toBe(neighbour);
  });
  it('reports nothing a client did not give', () =>
    expect(apply([{ omit: ['stream_options'] }], { stream: true, stream_options: { include_usage: true } }).report).toEqual([]));
});

describe('only', () => {
  it('keeps what is known', () =>
    expect(apply([{ only: ['model', 'messages', 'seed'] }], { seed: 1, user: 'u' })).toEqual({ wire: { ...CLIENT, seed: 1 }, report: ['user=dropped'] }));
  it('gives the identical wire back when nothing goes', () => {
    const request = openaiChat.parseRequest(CLIENT);
    expect(applyWords(CLIENT, [{ only: ['model', 'messages'] }], new DialectReport(request, true))).toBe(CLIENT);
  });
});

describe('rename', () => {
  it('moves a value and says so', () =>
    expect(apply([{ rename: { seed: 'random_seed' } }], { seed: 7 })).toEqual({ wire: { ...CLIENT, random_seed: 7 }, report: ['seed=renamed:random_seed'] }));
  it('keeps the provider’s name when both are given', () =>
    expect(apply([{ rename: { seed: 'random_seed' } }], { seed: 7, random_seed: 8 }).wire).toEqual({ ...CLIENT, random_seed: 8 }));
  it('does not call max_completion_tokens an adjustment of max_tokens', () => {
    expect(apply([{ rename: { max_tokens: 'max_completion_tokens' } }], { max_tokens: 5 })).toEqual({
      wire: { ...CLIENT, max_completion_tokens: 5 },
      report: [],
    });
  });
});

describe('default', () => {
  it('fills a gap and nothing else', () => {
    expect(apply([{ default: { safe_prompt: true } }], {}).wire).toEqual({ ...CLIENT, safe_prompt: true });
    expect(apply([{ default: { safe_prompt: true } }], { safe_prompt: false }).wire['safe_prompt']).toBe(false);
  });
});

describe('clamp', () => {
  it.each([
    [1.5, 1, ['temperature=clamped:1']],
    [0.5, 0.5, []],
    [-1, 0, ['temperature=clamped:0']],
  ])('%d becomes %d', (given, expected, report) => {
    const request = openaiChat.parseRequest({ ...CLIENT, temperature: Math.abs(given) });
    const log = new DialectReport(request, true);
    expect(applyWords({ ...CLIENT, temperature: given }, [{ clamp: { temperature: { min: 0, max: 1 } } }], log)['temperature']).toBe(expected);
    expect(log.adjustments.map((item) => `${item.parameter}=${item.action}:${item.detail}`)).toEqual(report);
  });
  it('never leaves its range, whatever comes', () => {
    const request = openaiChat.parseRequest(CLIENT);
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const clamped = applyWords({ x: value }, [{ clamp: { x: { min: 0, max: 1 } } }], new DialectReport(request, false))['x'] as number;
        expect(clamped >= 0 && clamped <= 1).toBe(true);
      }),
    );
  });
});

describe('messages', () => {
  it('roles: names them as the provider does, others stay identical', () => {
    const user = { role: 'user', content: 'hi' };
    const messages = [{ role: 'developer', content: 'x' }, user];
    const { wire, report } = apply([{ roles: { developer: 'system' } }], { messages });
    expect(wire['messages']).toEqual([{ role: 'system', content: 'x' }, user]);
    expect((wire['messages'] as unknown[])[1]).toBe(user);
    expect(report).toEqual([]);
  });
  it('omitFromMessages: reports a name, not a thought', () => {
    const messages = [
      { role: 'user', name: 'Ann', content: 'hi' },
      { role: 'assistant', content: 'x', reasoning_content: 'y' },
      { role: 'user', content: 'z' },
    ];
    const { wire, report } = apply([{ omitFromMessages: ['name', 'reasoning_content'] }], { messages });
    expect(wire['messages']).toEqual([
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'x' },
      { role: 'user', content: 'z' },
    ]);
    expect(report).toEqual(['messages[].name=dropped']);
  });
  it('toolCallIds: call and result still match, fitting ids stay', () => {
    const messages = [
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'call_1234567890', type: 'function', function: { name: 'f', arguments: '{}' } },
          { id: 'abcDEF123', type: 'function', function: { name: 'f', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1234567890', content: '1' },
      { role: 'tool', tool_call_id: 'abcDEF123', content: '2' },
    ];
    const { wire } = apply([{ toolCallIds: { length: 9 } }], { messages });
    const [, assistant, first, second] = wire['messages'] as { tool_calls: { id: string }[]; tool_call_id: string }[];
    expect(assistant?.tool_calls[0]?.id).toMatch(/^[A-Za-z0-9]{9}$/);
    expect(first?.tool_call_id).toBe(assistant?.tool_calls[0]?.id);
    expect(second).toBe(messages[3]);
  });
  it('stripCacheControl: everywhere, and only there', () => {
    const cache_control = { type: 'ephemeral' };
    const plain = { role: 'user', content: 'hi' };
    const { wire, report } = apply([{ stripCacheControl: true }], {
      messages: [
        plain,
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a', cache_control },
            { type: 'text', text: 'b' },
          ],
        },
      ],
      tools: [{ type: 'function', function: { name: 'f' }, cache_control }],
    });
    expect(JSON.stringify(wire)).not.toContain('cache_control');
    expect((wire['messages'] as unknown[])[0]).toBe(plain);
    expect(report).toEqual([]);
  });
});

describe('toolChoice', () => {
  const tools = ['f', 'g'].map((name) => ({ type: 'function', function: { name } }));
  it('has the provider’s word for required', () =>
    expect(apply([{ toolChoice: { required: 'any' } }], { tools, tool_choice: 'required' }).wire['tool_choice']).toBe('any'));
  it('narrows the tools to the named one', () => {
    const { wire, report } = apply([{ toolChoice: { required: 'any', named: 'narrow' } }], {
      tools,
      tool_choice: { type: 'function', function: { name: 'g' } },
    });
    expect(wire).toMatchObject({ tools: [tools[1]], tool_choice: 'any' });
    expect(report).toEqual(['tool_choice=emulated:one tool offered']);
  });
  it.each(['auto', 'none'])('leaves %s', (choice) =>
    expect(apply([{ toolChoice: { required: 'any', named: 'narrow' } }], { tools, tool_choice: choice }).wire['tool_choice']).toBe(choice),
  );
});

describe('responseFormat', () => {
  it('puts the schema behind the leading system messages', () => {
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } };
    const messages = [
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
    ];
    const { wire, report } = apply([{ responseFormat: 'json_object' }], { messages, response_format });
    expect(wire['response_format']).toEqual({ type: 'json_object' });
    expect((wire['messages'] as { role: string; content: string }[]).map((message) => message.role)).toEqual(['system', 'system', 'user']);
    expect((wire['messages'] as { content: string }[])[1]?.content).toContain('{"type":"object"}');
    expect(report).toEqual(['response_format=emulated:json_object']);
  });
});

describe('effort', () => {
  const map: RequestWord = { effort: { none: { thinking: { type: 'disabled' } }, low: 'high', xhigh: null } };
  it.each([
    ['none', { thinking: { type: 'disabled' } }, []],
    ['low', { reasoning_effort: 'high' }, ['reasoning_effort=clamped:high']],
    ['xhigh', {}, ['reasoning_effort=dropped']],
    ['medium', { reasoning_effort: 'medium' }, []],
  ])('%s', (given, expected, report) => {
    const { wire, report: said } = apply([map], { reasoning_effort: given });
    expect(omitting(wire, 'model', 'messages')).toEqual(expected);
    expect(said).toEqual(report);
  });
});

describe('a model’s own parameters', () => {
  const sampling = { temperature: 'omit', top_p: 'omit', presence_penalty: 'omit' } as const;
  const run = (members: Wire, modelFacts: Record<string, unknown>, parameters: Parameters<typeof applyModelParameters>[1]['parameters'] = sampling) => {
    const report = new DialectReport(openaiChat.parseRequest({ ...CLIENT, ...members }), true);
    const wire = applyModelParameters({ ...CLIENT, ...members }, { parameters, modelFacts }, report);
    return { members: omitting(wire, 'model', 'messages'), report: report.adjustments.map((item) => `${item.parameter}=${item.action}`) };
  };
  it('omits sampling for a model that reasons', () =>
    expect(run({ temperature: 1, presence_penalty: 1 }, {})).toEqual({ members: {}, report: ['temperature=dropped', 'presence_penalty=dropped'] }));
  it('lets it pass while such a model does not reason', () => {
    const facts = { samplingWithoutReasoning: true, defaultEffort: 'none' };
    expect(run({ temperature: 1, presence_penalty: 1 }, facts).members).toEqual({ temperature: 1 });
    expect(run({ temperature: 1, reasoning_effort: 'low' }, facts).members).toEqual({ reasoning_effort: 'low' });
    expect(run({ temperature: 1, reasoning_effort: 'none' }, { samplingWithoutReasoning: true }).members).toEqual({ temperature: 1, reasoning_effort: 'none' });
  });
  it.each([
    ['minimal', ['none', 'low', 'medium', 'high'], 'low'],
    ['xhigh', ['low', 'medium', 'high'], 'high'],
    ['none', ['high', 'max'], 'high'],
    ['medium', ['low', 'medium'], 'medium'],
  ])('takes the nearest effort to %s of %j', (given, efforts, expected) =>
    expect(run({ reasoning_effort: given }, { efforts }).members).toEqual({ reasoning_effort: expected }),
  );
  it('has a model’s own word for an effort', () =>
    expect(run({ reasoning_effort: 'low' }, { effortMap: { low: 'default' } }).members).toEqual({ reasoning_effort: 'default' }));
  it('clamps', () =>
    expect(run({ max_tokens: 900 }, {}, { max_tokens: { max: 100 } })).toEqual({ members: { max_tokens: 100 }, report: ['max_tokens=clamped'] }));
});

describe('exclusive', () => {
  it('drops what the provider refuses beside a parameter, and says so', () => {
    const { wire, report } = apply([{ exclusive: { reasoning_effort: ['thinking'] } }], { reasoning_effort: 'low', thinking: { type: 'enabled' } });
    expect(wire).toEqual({ ...CLIENT, reasoning_effort: 'low' });
    expect(report).toEqual(['thinking=dropped:beside reasoning_effort']);
  });
  it('leaves each alone when it stands alone', () => {
    const given = { thinking: { type: 'enabled' } };
    expect(apply([{ exclusive: { reasoning_effort: ['thinking'] } }], given)).toEqual({ wire: { ...CLIENT, ...given }, report: [] });
  });
});

describe('mergeTurns', () => {
  const merge = (messages: unknown[]) => apply([{ mergeTurns: ['user', 'assistant'] }], { messages }).wire['messages'];
  const user = (content: unknown) => ({ role: 'user', content });
  it('joins neighbours of one role, texts and parts', () => {
    expect(merge([user('a'), user('b'), { role: 'assistant', content: 'c' }, user('d')])).toEqual([
      user('a\n\nb'),
      { role: 'assistant', content: 'c' },
      user('d'),
    ]);
    expect(merge([user('a'), user([{ type: 'text', text: 'b' }])])).toEqual([
      user([
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ]),
    ]);
  });
  it('leaves turns with more than text in them, and other roles, alone', () => {
    const named = [{ ...user('a'), name: 'x' }, user('b'), { role: 'system', content: 'c' }, { role: 'system', content: 'd' }];
    expect(merge(named)).toBe(named);
  });
});

describe('anyOfTypes', () => {
  const tool = (parameters: unknown) => ({ type: 'function', function: { name: 'f', parameters } });
  const shape = (parameters: unknown) => (apply([{ anyOfTypes: true }], { tools: [tool(parameters)] }).wire['tools'] as Wire[])[0];
  it('moves the type into alternatives that have none, at any depth', () =>
    expect(shape({ type: 'object', properties: { a: { type: 'string', anyOf: [{ minLength: 1 }, { type: 'null' }] } } })).toEqual(
      tool({ type: 'object', properties: { a: { anyOf: [{ type: 'string', minLength: 1 }, { type: 'null' }] } } }),
    ));
  it('gives the identical tools back when there is nothing to move', () => {
    const tools = [tool({ type: 'object', properties: { type: { type: 'string' }, anyOf: { type: 'array' } } })];
    expect(apply([{ anyOfTypes: true }], { tools }).wire['tools']).toBe(tools);
  });
});

describe('toolChoice: allowed', () => {
  const tools = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }));
  const choice = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tools[1]] } };
  it('offers the allowed tools only, with their mode', () => {
    const { wire, report } = apply([{ toolChoice: { allowed: 'narrow' } }], { tools, tool_choice: choice });
    expect(wire).toMatchObject({ tools: [tools[1]], tool_choice: 'required' });
    expect(report).toEqual(['tool_choice=emulated:allowed tools offered']);
  });
  it('passes it where it is known', () => expect(apply([{ toolChoice: {} }], { tools, tool_choice: choice }).wire['tool_choice']).toEqual(choice));
});

describe('the effort of one model', () => {
  it('is the nearest one it accepts, in either API', () => {
    const model = { parameters: {}, modelFacts: { efforts: ['high', 'xhigh'] } };
    const fit = (wire: Wire) => applyModelParameters(wire, model, new DialectReport(openaiChat.parseRequest(CLIENT), true));
    expect(fit({ reasoning_effort: 'low' })).toEqual({ reasoning_effort: 'high' });
    expect(fit({ reasoning: { effort: 'low', summary: 'auto' } })).toEqual({ reasoning: { effort: 'high', summary: 'auto' } });
    const fits = { reasoning: { effort: 'xhigh' } };
    expect(fit(fits)).toBe(fits);
  });
});
