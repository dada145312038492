import type { ErrorCode } from '../errors/catalogue.js';
import { GatewayError } from '../errors/gateway-error.js';
import type { LayerName } from './caller.js';
import type { CompiledLayer, GlobRule } from './compile.js';

/** Why not: the rule as the operator wrote it, and the layer that has it. */
export interface Denial {
  readonly allowed: false;
  readonly code: ErrorCode;
  /** For the client: names the rule and the layer, no secrets. */
  readonly message: string;
  /** `models.deny`, `capabilities.vision`, … */
  readonly rule: string;
  readonly layer: LayerName;
  readonly layerId: string;
}

export interface DenialFacts {
  readonly code: ErrorCode;
  readonly rule: string;
  /** What is not allowed, as the start of a sentence: `The model openai/gpt-5`. */
  readonly subject: string;
  /** What the rule says, when it helps: `it allows anthropic/*`. */
  readonly detail?: string;
}

export function deny(layer: CompiledLayer, facts: DenialFacts): Denial {
  const detail = facts.detail === undefined ? '' : ` (${facts.detail})`;
  const message = `${facts.subject} is not allowed by the policy \`${facts.rule}\` of ${layer.layer} ${layer.id}${detail}.`;
  return { allowed: false, code: facts.code, message, rule: facts.rule, layer: layer.layer, layerId: layer.id };
}

export function denialError(denial: Denial): GatewayError {
  return new GatewayError(denial.code, denial.message, {
    metadata: { rule: denial.rule, layer: denial.layer, layer_id: denial.layerId },
  });
}

/** Which half of the rule refuses the names; null when neither does. Deny wins. */
export function refusedBy(rule: GlobRule, names: readonly string[], denyNames: readonly string[] = names): 'allow' | 'deny' | null {
  if (rule.deny.some((glob) => denyNames.some((name) => glob.matches(name)))) return 'deny';
  if (rule.allow === null) return null;
  return rule.allow.some((glob) => names.some((name) => glob.matches(name))) ? null : 'allow';
}
