import { TurnBatch } from './turn-batch.js';

function bed(work: (item: string) => void) {
  const scheduled: (() => void)[] = [];
  const batch = new TurnBatch<string>((run) => scheduled.push(run), work);
  return { batch, scheduled };
}

describe('what is put off to the end of a turn', () => {
  it('is done in order, by one call', () => {
    const done: string[] = [];
    const { batch, scheduled } = bed((item) => done.push(item));
    for (const item of ['a', 'b', 'c']) batch.add(item);
    expect([done, scheduled.length]).toEqual([[], 1]);
    scheduled.shift()?.();
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('goes on in the next turn with what comes while it is done', () => {
    const done: string[] = [];
    const { batch, scheduled } = bed((item) => {
      done.push(item);
      if (item === 'a') batch.add('late');
    });
    batch.add('a');
    batch.add('b');
    scheduled.shift()?.();
    expect([done, scheduled.length]).toEqual([['a', 'b'], 1]);
    scheduled.shift()?.();
    expect(done).toEqual(['a', 'b', 'late']);
  });

  it('is done all the same when one of it throws, which is not swallowed', () => {
    const thrown = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => undefined);
    const done: string[] = [];
    const { batch, scheduled } = bed((item) => {
      if (item === 'bad') throw new Error(item);
      done.push(item);
    });
    for (const item of ['a', 'bad', 'b']) batch.add(item);
    scheduled.shift()?.();
    expect(done).toEqual(['a', 'b']);
    expect(thrown.mock.calls).toHaveLength(1);
    expect(thrown.mock.calls[0]?.[0]).toThrow('bad');
    thrown.mockRestore();
  });
});
