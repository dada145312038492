import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AdmittedRecord, EndedRecord, ForwardedRecord } from '../../core/ledger/index.js';
import { BillingSettings } from '../billing-settings.js';
import { decodeLine } from './journal-codec.js';
import { Journal } from './journal.js';

describe('a turn of the journal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-journal-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const forwarded = (requestId: string): ForwardedRecord => ({ type: 'forwarded', requestId, number: 1, provider: 'p', upstreamModel: 'm', atMs: 1 });

  const admitted = (requestId: string): AdmittedRecord => ({
    type: 'admitted', requestId, engineId: 1, organizationId: 'o', projectId: 'p', keyId: 'k', model: 'm', holdNanoUsd: 2n ** 60n, expectedCostNanoUsd: 1n,
    parts: [{ ceilingId: 1, kind: 'account', leaseNumber: 2, amountNanoUsd: 3n }], receivedAtMs: 4, admittedAtMs: 5,
  });

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
    expect(lines.flatMap(decodeLine)).toEqual([header, forwarded('first'), forwarded('last'), forwarded('later')]);
    journal.close(true);
  });

  it('has an admission and the attempt right after it in one line', async () => {
    const header = { type: 'engine' as const, engineId: 1, bootId: 'b', pid: 1, processStart: '', pidNamespace: '' };
    const journal = new Journal(join(directory, 'begun'), header, new BillingSettings(), { turnEnd: setImmediate, openFolds: () => [], lost: (error) => error });
    const records = [admitted('a'), forwarded('a'), forwarded('a'), admitted('b'), forwarded('c'), forwarded('b')];
    for (const record of records) journal.append(record);
    await journal.written();
    const lines = readFileSync(join(directory, 'begun', '00000001.journal'), 'utf8').split('\n').slice(1, -1);
    expect(lines.map((line) => line.slice(9).split('"')[1])).toEqual(['begun', 'forwarded', 'admitted', 'forwarded', 'forwarded']);
    expect(lines.flatMap(decodeLine)).toEqual(records);
    journal.close(true);
  });
});
