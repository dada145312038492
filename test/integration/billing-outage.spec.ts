import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

jest.setTimeout(90_000);

describe('a database that is stopped under 100 running streams (F15)', () => {
  it('loses nothing and charges nothing twice: the journal keeps the ends until it is back', async () => {
    const flags = ['--experimental-transform-types', '--no-warnings', '--require', join(__dirname, '../support/typescript-hooks.cjs')];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, join(__dirname, 'billing-outage-child.ts')], {
      env: { ...process.env, NODE_OPTIONS: '' }, timeout: 80_000,
    });
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')).toEqual({
      refused: 'service_unavailable', flushedWhileDown: false, unpostedCount: 100, violated: [], drift: '0', poison: 0, exact: true, captures: '100',
    });
  });
});
