import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServerUser } from './server-user.js';

describe('the database server’s user', () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-user-'));
  const program = join(directory, 'program');
  writeFileSync(program, '#!/bin/sh\nid -u\n', { mode: 0o755 });
  chmodSync(directory, 0o700);
  afterAll(() => rmSync(directory, { recursive: true }));

  const run = (name: string, args: string[]): { status: number | null; text: string } => {
    const [command, rest] = findServerUser().command(name, args);
    const { status, stdout, stderr } = spawnSync(command, [...rest], { encoding: 'utf8' });
    return { status, text: `${stdout}${stderr}`.trim() };
  };

  it('is never root', () => {
    expect(run('id', ['-u'])).toEqual({ status: 0, text: String(findServerUser().uid ?? process.getuid?.()) });
    expect(run('id', ['-u']).text).not.toBe('0');
  });

  it('reaches what lies below a 0700 directory, also by the question that PostgreSQL asks first', () => {
    if (!findServerUser().reachesEverything) return;
    expect(run(program, [])).toEqual({ status: 0, text: String(findServerUser().uid ?? process.getuid?.()) });
    // Node asks with access(2), as PostgreSQL does; a shell's `test -x` does not.
    const ask = `require('node:fs').accessSync(${JSON.stringify(program)}, 1)`;
    expect(run(process.execPath, ['-e', ask])).toEqual({ status: 0, text: '' });
  });

  it('has no other right of root', () => {
    const { text } = run('sh', ['-c', 'grep CapEff /proc/self/status']);
    const mask = BigInt(`0x${text.split(/\s+/)[1]}`);
    expect([0n, 2n]).toContain(mask);
  });
});
