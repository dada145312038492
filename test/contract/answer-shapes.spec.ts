import { OPENAI_SHAPES } from './answer-shapes-openai.js';
import { NATIVE_SHAPES } from './answer-shapes-native.js';
import { streamFacts, wholeFacts, type Facts, type Shape } from './answer-shapes.js';

/** Answers as they are known to come, although none of them was recorded: whole and streamed, each cut at many places. */
const CUTS: readonly (readonly number[])[] = [[Number.MAX_SAFE_INTEGER], [1], [7, 1, 113, 3, 41], [2, 3, 5, 64]];
const SHAPES: readonly Shape[] = [...OPENAI_SHAPES, ...NATIVE_SHAPES];

describe.each([...new Set(SHAPES.map((shape) => shape.protocol))])('%s', (protocol) => {
  it.each(SHAPES.filter((shape) => shape.protocol === protocol).map((shape) => [shape.name, shape] as const))('%s', (_name, shape) => {
    if (shape.whole !== undefined) expectFacts(() => wholeFacts(shape), shape);
    else for (const sizes of CUTS) expectFacts(() => streamFacts(shape, sizes), shape);
  });
});

function expectFacts(read: () => Facts, { wanted: { error, ...facts } }: Shape): void {
  if (error === undefined) expect(read()).toMatchObject(facts);
  else expect(read).toThrow(error);
}
