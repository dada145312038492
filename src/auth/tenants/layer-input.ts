import { invalidRequest } from '../../core/errors/gateway-error.js';
import { parseBudget, parseLimits, parsePolicy, type Budget, type Limits, type Policy } from '../../core/policy/index.js';

/** The members that organization, project and key share; each is replaced as a whole, `null` takes it away. */
export interface LayerInput {
  name?: string;
  policy?: Policy | null;
  limits?: Limits | null;
  budget?: Budget | null;
}

export const LAYER_MEMBERS = ['name', 'policy', 'limits', 'budget'] as const;

const MAX_NAME_CHARS = 200;

/** Columns to write, from members that are present. Throws GatewayError 400 with the path in `param`. */
export function layerColumns(input: LayerInput): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  if (input.name !== undefined) columns['name'] = readName(input.name);
  if (input.policy !== undefined) columns['policy'] = JSON.stringify(parsePolicy(input.policy ?? {}));
  if (input.limits !== undefined) columns['limits'] = JSON.stringify(parseLimits(input.limits ?? {}));
  if (input.budget !== undefined) columns['budget'] = input.budget === null ? null : JSON.stringify(parseBudget(input.budget));
  return columns;
}

/** Mass assignment ends here: a member that is not named is refused, not ignored. */
export function refuseUnknown(input: object, known: readonly string[]): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw invalidRequest('', 'The body must be an object.');
  const unknown = Object.keys(input).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalidRequest(unknown.slice(0, 64), `\`${unknown.slice(0, 64)}\` is not known. Known: ${known.join(', ')}.`);
}

function readName(name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw invalidRequest('name', '`name` must be a string that is not blank.');
  // Control characters would break lists and logs.
  // oxlint-disable-next-line no-control-regex
  if (name.length > MAX_NAME_CHARS || /[\u0000-\u001f\u007f]/.test(name)) {
    throw invalidRequest('name', `\`name\` must have at most ${MAX_NAME_CHARS} characters and no control characters.`);
  }
  return name.trim();
}

export function requireName(input: LayerInput): void {
  if (input.name === undefined) throw invalidRequest('name', '`name` is required.');
}
