import { invalidRequest } from '../errors/gateway-error.js';
import { MAX_AMOUNT_NANO_USD } from '../pricing/usd.js';
import { decodeCsv } from './decode-csv.js';

/** Which column of a provider's report (a dotted path of its JSON) says what. Either `id` or `day` names what a line is about. */
export interface ReportMapping {
  /** The provider's id of the answer: one line (or several that are added up) per request. */
  readonly id?: string;
  /** `YYYY-MM-DD…`: one line (or several) per day and model. */
  readonly day?: string;
  readonly model?: string;
  /** In USD. */
  readonly cost: string;
  readonly currency?: string;
  readonly input?: string;
  readonly output?: string;
  readonly cache_read?: string;
  readonly cache_write?: string;
}

type MappingName = keyof ReportMapping;
export const MAPPING_NAMES = ['id', 'day', 'model', 'cost', 'currency', 'input', 'output', 'cache_read', 'cache_write'] as const;
const TOKEN_NAMES = ['input', 'output', 'cache_read', 'cache_write'] as const;

/** What a provider says of one request, or of one day and model. Money in nano-USD, rounded half up from what it wrote. */
export interface ReportLine {
  /** The provider's id; or day and model with a space between. */
  readonly reference: string;
  readonly model: string | null;
  costNanoUsd: bigint;
  /** Null when the report does not say. */
  tokens: Partial<Record<(typeof TOKEN_NAMES)[number], number>> | null;
}

const MAX_LINES = 200_000;
const NUMBER = /^(\d{1,30})?(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A provider's report → its lines by reference, those of the same reference added up. Throws 400 that names line and column. */
export function parseReport(text: string, format: 'csv' | 'json', mapping: ReportMapping): Map<string, ReportLine> {
  checkMapping(mapping);
  const lines = new Map<string, ReportLine>();
  const records = format === 'csv' ? csvRecords(text, mapping) : jsonRecords(text);
  for (const [index, record] of records.entries()) {
    const line = lineOf(record, mapping, index + 1);
    const known = lines.get(line.reference);
    if (known === undefined) lines.set(line.reference, line);
    else addTo(known, line);
  }
  return lines;
}

type RecordOf = (column: string) => string | undefined;

function checkMapping(mapping: ReportMapping): void {
  if ((mapping.id === undefined) === (mapping.day === undefined)) throw invalidRequest('mapping', 'mapping must name either id or day.');
  if (mapping.day !== undefined && mapping.model === undefined) throw invalidRequest('mapping.model', 'mapping.model is missing: a report by day is compared by day and model.');
}

function csvRecords(text: string, mapping: ReportMapping): RecordOf[] {
  const [headings, ...rows] = decodeCsv(text, MAX_LINES + 1);
  if (headings === undefined) throw invalidRequest('report', 'report is empty.');
  const places = new Map(headings.map((heading, place) => [heading.trim(), place]));
  for (const name of MAPPING_NAMES) {
    const column = mapping[name];
    if (column !== undefined && !places.has(column)) {
      throw invalidRequest(`mapping.${name}`, `mapping.${name}: the report has no column ${JSON.stringify(column.slice(0, 64))}; it has ${headings.slice(0, 30).join(', ').slice(0, 500)}.`);
    }
  }
  return rows.map((row) => (column) => row[places.get(column) ?? -1]?.trim());
}

function jsonRecords(text: string): RecordOf[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidRequest('report', `report is no JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
  const list: unknown = Array.isArray(value) ? value : (value as { data?: unknown } | null)?.data;
  if (!Array.isArray(list)) throw invalidRequest('report', 'report must be a list of objects, or an object with such a list as data.');
  if (list.length > MAX_LINES) throw invalidRequest('report', `report has more than ${MAX_LINES} lines; send it in parts.`);
  return list.map((record: unknown) => (column) => at(record, column));
}

function at(record: unknown, path: string): string | undefined {
  let value = record;
  for (const name of path.split('.')) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

function lineOf(record: RecordOf, mapping: ReportMapping, number: number): ReportLine {
  const where = (name: MappingName): string => `line ${number}, ${mapping[name] ?? name}`;
  if (mapping.currency !== undefined) refuseForeign(record(mapping.currency), where('currency'));
  const model = mapping.model === undefined ? null : (record(mapping.model) ?? '');
  return {
    reference: mapping.id === undefined ? `${dayOf(record(mapping.day ?? ''), where('day'))} ${model}` : idOf(record(mapping.id), where('id')),
    model,
    costNanoUsd: costOf(record(mapping.cost), where('cost')),
    tokens: tokensOf(record, mapping, where),
  };
}

function refuseForeign(currency: string | undefined, where: string): void {
  if (currency?.toUpperCase() === 'USD') return;
  throw invalidRequest('report', `report: ${where} is ${JSON.stringify(currency?.slice(0, 16) ?? null)}; only USD can be compared.`);
}

function idOf(text: string | undefined, where: string): string {
  if (text !== undefined && text !== '' && text.length <= 256) return text;
  throw invalidRequest('report', `report: ${where} is missing or longer than 256 characters.`);
}

function dayOf(text: string | undefined, where: string): string {
  if (text !== undefined && /^\d{4}-\d{2}-\d{2}/.test(text)) return text.slice(0, 10);
  throw invalidRequest('report', `report: ${where} must begin with a date like 2026-11-29.`);
}

function costOf(text: string | undefined, where: string): bigint {
  const nano = text === undefined ? null : roundedNano(text.replace(/^\$/, ''));
  if (nano === null) throw invalidRequest('report', `report: ${where} is ${JSON.stringify(text?.slice(0, 32) ?? null)}; it must be a non-negative number of USD.`);
  if (nano > MAX_AMOUNT_NANO_USD) throw invalidRequest('report', `report: ${where} is more than 100000000 USD.`);
  return nano;
}

/** Providers write floats: `1.5e-05`, twelve decimals. Exact up to the one rounding, half up, to nano-USD; null for what is no such number. */
function roundedNano(text: string): bigint | null {
  const match = NUMBER.exec(text);
  if (match === null || (match[1] === undefined && match[2] === undefined)) return null;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const shift = 9 - fraction.length + Number(exponent);
  if (shift > 40) return null;
  const digits = BigInt(`${whole}${fraction}`);
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return (digits * 2n + divisor) / (divisor * 2n);
}

function tokensOf(record: RecordOf, mapping: ReportMapping, where: (name: MappingName) => string): ReportLine['tokens'] {
  const tokens: NonNullable<ReportLine['tokens']> = {};
  for (const name of TOKEN_NAMES) {
    const text = mapping[name] === undefined ? undefined : record(mapping[name]);
    if (text === undefined || text === '') continue;
    const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(count)) throw invalidRequest('report', `report: ${where(name)} is ${JSON.stringify(text.slice(0, 32))}; it must be a whole number.`);
    tokens[name] = count;
  }
  return Object.keys(tokens).length === 0 ? null : tokens;
}

function addTo(known: ReportLine, line: ReportLine): void {
  known.costNanoUsd += line.costNanoUsd;
  for (const name of TOKEN_NAMES) {
    if (line.tokens?.[name] === undefined) continue;
    known.tokens ??= {};
    known.tokens[name] = (known.tokens[name] ?? 0) + line.tokens[name];
  }
}
