import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndedRecord, ForwardedRecord } from '../../core/ledger/index.js';
import { BillingSettings } from '../billing-settings.js';
import { decodeRecord } from './journal-codec.js';
import { Journal } from './journal.js';

describe('a turn of the journal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-journal-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const forwarded = (requestId: string): ForwardedRecord => ({ type: 'forwarded', requestId, number: 1, provider: 'p', upstreamModel: 'm', atMs: 1 });

  it('is written whole besides a record that cannot be one, and whoever waits for it is told once for all', async () => {
    const header = { type: 'engine' as const, engineId: 1, bootId: 'b', pid: 1, processStart: '', pidNamespace: '' };
    const lost: Error[] = [];
    const journal = new Journal(join(directory, 'engine'), header, new BillingSettings(), {
      turnEnd: setImmediate,
      openFolds: () => [],
      lost: (error) => {
        lost.push(error);
        return new Error('told');
      },
    });
    journal.append(forwarded('first'));
    journal.append({ type: 'ended', requestId: 'broken' } as EndedRecord);
    journal.append(forwarded('last'));
    expect(journal.written()).toBe(journal.written());
    await expect(journal.written()).rejects.toThrow('told');
    expect(lost).toEqual([expect.any(TypeError)]);
    journal.append(forwarded('later'));
    await journal.written();
    expect(journal.written()).toBeUndefined();
    const lines = readFileSync(join(directory, 'engine', '00000001.journal'), 'utf8').split('\n').slice(0, -1);
    expect(lines.map(decodeRecord)).toEqual([header, forwarded('first'), forwarded('last'), forwarded('later')]);
    journal.close(true);
  });
});
