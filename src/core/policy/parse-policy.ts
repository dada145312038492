import { invalidRequest } from '../errors/gateway-error.js';
import type { AllowDeny, Policy } from './caller.js';
import { parseAddressRange } from './cidr.js';
import { parseSchedule } from './parse-schedule.js';
import { SUBSTITUTION_LEVELS } from './substitution.js';
import { readUsd } from './read-usd.js';
import { readBoolean, readInteger, readList, readObject, readOneOf, readText, type FieldReader, type Fields } from './strict-object.js';

/** 2^31 − 1: what every provider still reads as a number of tokens. */
const MAX_OUTPUT_TOKENS = 2_147_483_647;

const allowDenyFields: Fields<AllowDeny> = { allow: readPatterns, deny: readPatterns };
const capabilityFields: Fields<NonNullable<Policy['capabilities']>> = {
  reasoning: readBoolean,
  vision: readBoolean,
  images: readBoolean,
  audio: readBoolean,
  tools: readBoolean,
};
const maxPriceFields: Fields<NonNullable<Policy['max_price']>> = { input: readUsd, output: readUsd };

const policyFields: Fields<Policy> = {
  models: readAllowDeny,
  classes: readAllowDeny,
  providers: readAllowDeny,
  zones: (value, path) => readList(value, path, readText),
  max_price: (value, path) => readObject(value, path, maxPriceFields),
  capabilities: (value, path) => readObject(value, path, capabilityFields),
  streaming: readBoolean,
  max_output_tokens: (value, path) => readInteger(value, path, { min: 1, max: MAX_OUTPUT_TOKENS }),
  params: (value, path) => readOneOf(value, path, ['lenient', 'strict'] as const),
  store: (value, path) => readOneOf(value, path, ['none', 'metadata', 'full'] as const),
  ips: (value, path) => readList(value, path, readRange),
  schedule: parseSchedule,
  fit_to_credit: readBoolean,
  substitution: (value, path) => readOneOf(value, path, SUBSTITUTION_LEVELS),
};

/**
 * A policy as CONTRACT section 4 writes it. Strict, because a rule that is misspelt and ignored is a door left open:
 * throws GatewayError 400 `invalid_request` with the path in `param` and the nearest known name in the message.
 */
export function parsePolicy(value: unknown, path = 'policy'): Policy {
  return readObject(value, path, policyFields);
}

function readAllowDeny(value: unknown, path: string): AllowDeny {
  return readObject(value, path, allowDenyFields);
}

function readPatterns(value: unknown, path: string): string[] {
  return readList(value, path, readText);
}

const readRange: FieldReader<string> = (value, path) => {
  const text = readText(value, path).trim();
  if (parseAddressRange(text) === null) {
    throw invalidRequest(path, `\`${path}\` must be an address or a range like 10.0.0.0/8 or 2001:db8::/32, not ${JSON.stringify(text)}.`);
  }
  return text;
};
