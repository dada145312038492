import { invalidRequest } from '../errors/gateway-error.js';
import type { Budget, Limits } from './caller.js';
import { readUsd } from './read-usd.js';
import { readInteger, readList, readObject, readOneOf, type FieldReader, type Fields } from './strict-object.js';

/** Zero is refused on purpose: read as "unlimited" by some and as "nothing" by others. To stop a key, revoke it. */
const upTo =
  (max: number): FieldReader<number> =>
  (value, path) =>
    readInteger(value, path, { min: 1, max });

const limitFields: Fields<Limits> = {
  rpm: upTo(10_000_000),
  tpm: upTo(1_000_000_000_000),
  rpd: upTo(10_000_000_000),
  concurrency: upTo(1_000_000),
};

const budgetFields: Fields<Budget> = {
  amount_usd: readUsd,
  period: (value, path) => readOneOf(value, path, ['total', 'day', 'week', 'month'] as const),
  soft_percents: (value, path) => readList(value, path, (percent, at) => readInteger(percent, at, { min: 10, max: 99 }), 5),
};

/** `{rpm, tpm, rpd, concurrency}`; throws GatewayError 400 `invalid_request` with the path in `param`. */
export function parseLimits(value: unknown, path = 'limits'): Limits {
  return readObject(value, path, limitFields);
}

/** `{amount_usd, period, soft_percents?}`; throws GatewayError 400 `invalid_request` with the path in `param`. */
export function parseBudget(value: unknown, path = 'budget'): Budget {
  const budget = readObject(value, path, budgetFields);
  if (budget.amount_usd === undefined) throw invalidRequest(`${path}.amount_usd`, `\`${path}.amount_usd\` is required.`);
  if (budget.period === undefined) throw invalidRequest(`${path}.period`, `\`${path}.period\` is required: total, day, week or month.`);
  const { amount_usd, period, soft_percents } = budget;
  return { amount_usd, period, ...(soft_percents !== undefined && { soft_percents }) };
}
