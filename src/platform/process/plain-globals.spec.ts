import { execFileSync } from 'node:child_process';
import { makeGlobalsPlain } from './plain-globals.js';

describe('makeGlobalsPlain', () => {
  it('leaves every global what it is, without a getter in front of it', () => {
    // In a process of its own: the globals of this one are the test runner's.
    const script = `const GETTERS = ['performance', 'Buffer', 'process']; ${makeGlobalsPlain.toString()}
      const before = GETTERS.map((name) => [globalThis[name], Object.getOwnPropertyDescriptor(globalThis, name)]);
      makeGlobalsPlain();
      const after = GETTERS.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
      console.log(JSON.stringify(after.map(({ value, get, writable, configurable, enumerable }, at) =>
        [value === before[at][0], get === undefined, writable, configurable, enumerable === before[at][1].enumerable])))`;
    const facts = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', env: {} })) as boolean[][];
    expect(facts).toEqual([0, 1, 2].map(() => [true, true, true, true, true]));
  });
});
