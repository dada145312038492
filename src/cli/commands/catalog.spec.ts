import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderCatalogueFile } from '../../core/catalog/render-catalogue.js';
import { UsageError, type Command } from '../command.js';
import { catalogCheck, catalogImport } from './catalog.js';

const CATALOGUE = join(process.cwd(), 'catalog');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'og-catalog-'));
  cpSync(join(CATALOGUE, 'openai.json'), join(folder, 'openai.json'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(command: Command, values: Record<string, string | boolean>, ...positionals: string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const context = { positionals, values, json: values['json'] === true, print: (line: string) => void lines.push(line), environment: {} };
  // No gateway: asking for the client would throw.
  const code = await command.run(Object.defineProperty(context, 'client', { get: () => expect(false).toBe(true) }) as never);
  return { code, text: lines.join('\n') };
}

describe('og catalog check', () => {
  it('is clean for the catalogue as it is committed, judged on the day of its newest row', async () => {
    const { code, text } = await run(catalogCheck, { json: true, 'max-age-days': '36500' });
    const { findings, rows, providers } = JSON.parse(text) as { rows: number; providers: number; findings: { severity: string }[] };
    expect(findings.filter((finding) => finding.severity !== 'note')).toEqual([]);
    expect(code).toBe(0);
    expect(rows).toBeGreaterThan(300);
    expect(providers).toBeGreaterThan(25);
  });

  it('exits 1 with a line for each fault', async () => {
    const path = join(folder, 'openai.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"cache_read": "0.125"', '"cache_read": "9.00"'));
    const { code, text } = await run(catalogCheck, { directory: folder, 'max-age-days': '36500' });
    expect(code).toBe(1);
    expect(text).toContain('cache_read is dearer than input');
  });

  it('refuses what is no number of days', () => expect(() => catalogCheck.run({ values: { 'max-age-days': 'x' } } as never)).toThrow(UsageError));
});

describe('og catalog import', () => {
  const list = { openai: { models: { 'gpt-5': { cost: { input: 2, output: 10 } }, 'gpt-new': { cost: { input: 1, output: 2 }, limit: { context: 1_000 } } } } };
  const file = (): string => {
    const path = join(folder, 'list');
    writeFileSync(path, JSON.stringify(list));
    return path;
  };

  it('prints a diff and writes nothing', async () => {
    const before = readFileSync(join(folder, 'openai.json'), 'utf8');
    const { code, text } = await run(catalogImport, { directory: folder, new: true }, file());
    expect(code).toBe(0);
    expect(text).toMatch(/~\s+openai\/gpt-5\s+price\.input\s+1\.25\s+2\.00/);
    expect(text).toMatch(/\+\s+openai\/gpt-new\s+price/);
    expect(text).toContain('2 differences in 2 models');
    expect(readFileSync(join(folder, 'openai.json'), 'utf8')).toBe(before);
  });

  it('writes when told to, one changed line per change', async () => {
    const before = readFileSync(join(folder, 'openai.json'), 'utf8').split('\n');
    await expect(run(catalogImport, { directory: folder, write: true }, file())).rejects.toThrow('--source');
    await run(catalogImport, { directory: folder, write: true, source: 'a list' }, file());
    const after = readFileSync(join(folder, 'openai.json'), 'utf8').split('\n');
    expect(after.filter((line) => !before.includes(line))).toEqual([
      expect.stringContaining('"input": "2.00"'),
      expect.stringMatching(/^ {6}"source": "a list", "date": "\d{4}-\d{2}-\d{2}"$/),
    ]);
    expect((await run(catalogImport, { directory: folder }, file())).text).toBe('no differences');
  });

  it('says what it cannot read', async () => {
    await expect(run(catalogImport, { directory: folder }, join(folder, 'openai.json'))).rejects.toThrow('neither');
    await expect(run(catalogImport, { directory: folder }, join(folder, 'nothing'))).rejects.toThrow('cannot read');
  });
});

describe('renderCatalogueFile', () => {
  it.each(readdirSync(CATALOGUE).filter((name) => name.endsWith('.json')))('writes %s as it stands', (name) => {
    const text = readFileSync(join(CATALOGUE, name), 'utf8');
    expect(renderCatalogueFile(JSON.parse(text) as Record<string, unknown>)).toBe(text);
  });
});
