import { AFTERWARDS, TurnBatch, TURN_STAGES } from './index.js';

describe('the stages of a turn', () => {
  it('run in their order, whatever came first, and before the next turn', async () => {
    const done: string[] = [];
    const stage = (name: keyof typeof TURN_STAGES) => new TurnBatch<string>(TURN_STAGES[name], (item) => done.push(`${name} ${item}`));
    const [answered, arrived, journaled, streamed] = (['answered', 'arrived', 'journaled', 'streamed'] as const).map(stage) as [TurnBatch<string>, TurnBatch<string>, TurnBatch<string>, TurnBatch<string>];
    setImmediate(() => done.push('next turn'));
    streamed.add('1');
    journaled.add('2');
    arrived.add('3');
    answered.add('4');
    arrived.add('5');
    expect(done).toEqual([]);
    await turn();
    expect(done).toEqual(['next turn', 'answered 4', 'arrived 3', 'arrived 5', 'journaled 2', 'streamed 1']);
  });

  it('do in the same turn what is put off to a later stage, and in the next one what is put off to their own or an earlier one', async () => {
    const done: string[] = [];
    const answered = new TurnBatch<string>(TURN_STAGES.answered, (item) => done.push(item));
    const afterwards = new TurnBatch<string>(AFTERWARDS, (item) => done.push(item));
    const journaled = new TurnBatch<string>(TURN_STAGES.journaled, (item) => {
      done.push(item);
      if (item !== 'first') return;
      journaled.add('own');
      answered.add('earlier');
      afterwards.add('afterwards');
    });
    const arrived = new TurnBatch<string>(TURN_STAGES.arrived, () => journaled.add('first'));
    arrived.add('a request');
    await turn();
    expect(done).toEqual(['first', 'afterwards']);
    await turn();
    expect(done).toEqual(['first', 'afterwards', 'earlier', 'own']);
  });
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
