import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { restoreFastStrings } from './fast-strings.js';

/** In a process of its own: the form of `String.prototype` is for good. */
function formsAfter(script: string): boolean[] {
  const isFast = 'const isFast = () => %HasFastProperties(String.prototype);';
  const restore = `const READ_COUNT = 1000; ${absentOf} ${restoreFastStrings.toString()}`;
  return JSON.parse(execFileSync(process.execPath, ['--allow-natives-syntax', '-e', `${isFast} ${restore} ${script}`], { encoding: 'utf8', env: {} })) as boolean[];
}

const absentOf = 'function absentOf(object) { return object.absent; }';
const ioredis = createRequire(import.meta.url).resolve('ioredis');

describe('restoreFastStrings', () => {
  it('undoes what a library that extends String does to all strings, for good', () => {
    const script = `require(${JSON.stringify(ioredis)}); const before = isFast(); restoreFastStrings(); const after = isFast();
      class Text extends String {} new Text('a'); console.log(JSON.stringify([before, after, isFast()]))`;
    expect(formsAfter(script)).toEqual([false, true, true]);
  });
});
