import fc from 'fast-check';
import { AnswerMemory } from './answer-memory.js';

/** An answer comes, or the oldest that waits leaves; what is held has not been taken by the kernel, for ever here. */
const STEP = fc.oneof(
  { weight: 3, arbitrary: fc.record({ head: fc.nat({ max: 800 }), body: fc.nat({ max: 70_000 }) }) },
  { weight: 2, arbitrary: fc.record({ isHeld: fc.boolean() }) },
);

const headOf = (text: string) => ({ byteCount: text.length, copyTo: (memory: Buffer, at: number) => void memory.write(text, at, 'latin1') });

describe('memory in which whole answers wait', () => {
  it('keeps each as it was placed until it has left, and as long as it is held', () => {
    fc.assert(
      fc.property(fc.array(STEP, { minLength: 20, maxLength: 80 }), (steps) => {
        const memory = new AnswerMemory();
        const waiting: { bytes: Buffer; text: string }[] = [];
        const held: typeof waiting = [];
        for (const [at, step] of steps.entries()) {
          if ('isHeld' in step) {
            const first = waiting.shift();
            if (first === undefined) continue;
            if (step.isHeld) held.push(first);
            memory.left(step.isHeld);
          } else {
            const [head, body] = [`${at}`.padEnd(step.head, 'h'), `${at}`.padEnd(step.body, 'b')];
            const bytes = memory.place(headOf(head), Buffer.from(body));
            if (bytes !== null) waiting.push({ bytes, text: head + body });
          }
          for (const { bytes, text } of [...waiting, ...held]) expect(bytes.toString('latin1') === text).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is used again once none waits, and takes no answer that is long', () => {
    const memory = new AnswerMemory();
    const first = memory.place(headOf('head'), Buffer.from('body')) as Buffer;
    memory.left(false);
    expect(memory.place(headOf('other'), Buffer.from('b'))?.byteOffset).toBe(first.byteOffset);
    expect(memory.place(headOf(''), Buffer.alloc(65_537))).toBeNull();
  });
});
