import { answers, fails, type Answer, type Death, type Scenario, type UsagePlacement } from './scenario.js';

/**
 * A scenario written into the model's name, for callers that can only choose a model:
 * `mock:ttft=300,tokens=50,gap=20,die=rst@17,usage=late`. Words: `text`, `tokens`, `echo`, `reasoning` (words), `tools` (calls), `ttft`, `gap`,
 * `headers` (ms), `usage`, `finish`, `die=fin|rst[@pieces]`, `stall=pieces`, `status`, `retry` (s), `endless`, `cut`, `hold`, `gzip`. Null when the name is no script.
 */
export function scenarioOfName(model: string): Scenario | null {
  const script = /(?:^|\/)mock:(.*)$/.exec(model)?.[1];
  if (script === undefined) return null;
  const words = new Map(
    script
      .split(',')
      .filter((word) => word !== '')
      .map((word): [string, string] => [word.split('=', 1)[0] as string, word.includes('=') ? word.slice(word.indexOf('=') + 1) : 'true']),
  );
  const number = (name: string): number | undefined => (words.has(name) ? Number(words.get(name)) : undefined);
  const transport = transportOf(words, number);
  const status = number('status');
  if (status !== undefined && status >= 400) return fails(status, {}, transport);
  return answers(answerOf(words, number), transport);
}

type Words = ReadonlyMap<string, string>;
type NumberOf = (name: string) => number | undefined;

function answerOf(words: Words, number: NumberOf): Answer {
  const answer: Answer = words.has('text') ? { text: words.get('text') as string } : { tokens: number('tokens') ?? 3 };
  if (words.has('echo')) answer.echo = true;
  if (words.has('endless')) answer.endless = true;
  if (words.has('reasoning')) answer.reasoning = Array.from({ length: number('reasoning') ?? 1 }, (_, index) => `r${index} `).join('');
  if (words.has('tools')) answer.toolCalls = Array.from({ length: number('tools') ?? 1 }, (_, index) => ({ name: `tool_${index}`, arguments: { index } }));
  if (words.has('usage')) answer.usageAt = words.get('usage') as UsagePlacement;
  if (words.get('usage') === 'invalid') Object.assign(answer, { usageAt: 'late', usageRaw: { prompt_tokens: -1, completion_tokens: 'many' } });
  if (words.has('finish')) answer.finish = words.get('finish') as NonNullable<Answer['finish']>;
  if (words.has('ttft')) answer.firstAfterMs = number('ttft') ?? 0;
  if (words.has('gap')) answer.gapMs = number('gap') ?? 0;
  return answer;
}

function transportOf(words: Words, number: NumberOf): Omit<Scenario, 'content'> {
  const transport: Omit<Scenario, 'content'> = {};
  const death = /^(fin|rst)(?:@(\d+))?$/.exec(words.get('die') ?? '');
  if (death !== null) transport.die = { how: death[1] as Death['how'], afterPieces: Number(death[2] ?? 0) };
  if (words.has('stall')) transport.stall = { afterPieces: number('stall') ?? 0 };
  if (words.has('headers')) transport.headersAfterMs = number('headers') ?? 0;
  if (words.has('retry')) transport.headers = { 'retry-after': words.get('retry') as string };
  if (words.has('cut')) transport.cut = words.get('cut') as NonNullable<Scenario['cut']>;
  if (words.has('hold')) transport.hold = true;
  if (words.has('gzip')) transport.gzip = true;
  return transport;
}
