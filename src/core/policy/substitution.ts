import type { Caller, CallerLayer, SubstitutionLevel } from './caller.js';

/** From narrowest to widest. */
export const SUBSTITUTION_LEVELS = ['none', 'same-model', 'equivalent', 'degraded'] as const satisfies readonly SubstitutionLevel[];

/** How far a substitute may be, and who said so. */
export interface SubstitutionRule {
  readonly level: SubstitutionLevel;
  /** Undefined: nobody, it is the default. */
  readonly layer?: CallerLayer;
}

export const BY_DEFAULT: SubstitutionRule = Object.freeze({ level: 'equivalent' });
const known = new WeakMap<Caller, SubstitutionRule>();

/** The narrowest level a layer names. `degraded` must be named, or asked for by the request while no layer names less. */
export function substitutionOf(caller: Caller): SubstitutionRule {
  let rule = known.get(caller);
  if (rule === undefined) known.set(caller, (rule = narrowest(caller.layers)));
  return rule;
}

function narrowest(layers: readonly CallerLayer[]): SubstitutionRule {
  let rule: SubstitutionRule = BY_DEFAULT;
  for (const layer of layers) {
    const level = layer.policy.substitution;
    if (level !== undefined && (rule.layer === undefined || isWider(rule.level, level))) rule = { level, layer };
  }
  return rule;
}

export function isWider(level: SubstitutionLevel, than: SubstitutionLevel): boolean {
  return SUBSTITUTION_LEVELS.indexOf(level) > SUBSTITUTION_LEVELS.indexOf(than);
}
