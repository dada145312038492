import type { Model, Snapshot, SubstitutionClass } from '../catalog/model.js';
import { GatewayError } from '../errors/gateway-error.js';
import type { Caller } from '../policy/caller.js';
import { mayUseModel } from '../policy/decide.js';
import { nearestNames } from '../text/index.js';

/** One model that may serve, in the order of preference: tier 0 is what was asked for, later tiers are fallbacks, −1 is an experiment's other model. */
export interface ResolvedModel {
  model: Model;
  tier: number;
  /** Only deployments of this provider instance (the request named `provider/model`). */
  provider?: string;
  /** Why it is here: `models[1]`, `same-model fallback of route chat-default`. Undefined for tier 0. */
  fallback?: string;
  /** Set when a route, not the client, put it here. */
  substitution?: SubstitutionClass;
}

/** When, and by whom; null: nobody's policy applies. */
interface Asked {
  nowMs: number;
  caller: Caller | null;
}

const CLASS_PREFIX = 'class:';

/**
 * A name as a client writes it: model id, alias, `class:fast`, `<provider instance>/<model, alias or upstream model>`.
 * Exact ids win, so a public id with a slash in it is never read as a provider. Empty when unknown.
 */
export function resolveName(name: string, snapshot: Snapshot): { model: Model; provider?: string }[] {
  const model = findModel(name, snapshot);
  if (model !== null) return [{ model }];
  if (name.startsWith(CLASS_PREFIX)) {
    const wanted = name.slice(CLASS_PREFIX.length);
    return [...snapshot.models.values()].filter((candidate) => candidate.class === wanted).map((candidate) => ({ model: candidate }));
  }
  return resolveAtProvider(name, snapshot);
}

/** By id or alias. */
export function findModel(name: string, snapshot: Snapshot): Model | null {
  const model = snapshot.models.get(name);
  if (model !== undefined) return model;
  const id = snapshot.aliases.get(name);
  return id === undefined ? null : (snapshot.models.get(id) ?? null);
}

function resolveAtProvider(name: string, snapshot: Snapshot): { model: Model; provider: string }[] {
  const slash = name.indexOf('/');
  const provider = name.slice(0, slash);
  if (slash <= 0 || !snapshot.providers.has(provider)) return [];
  const rest = name.slice(slash + 1);
  const known = findModel(rest, snapshot);
  const serves = (model: Model, upstreamModel?: string) =>
    model.deployments.some((deployment) => deployment.provider.id === provider && (upstreamModel === undefined || deployment.upstreamModel === upstreamModel));
  if (known !== null && serves(known)) return [{ model: known, provider }];
  for (const model of snapshot.models.values()) {
    if (serves(model, rest)) return [{ model, provider }];
  }
  return [];
}

/**
 * The request's `model`, then its `models`, each name once. Throws 404 `model_not_found` with near names that the caller may use,
 * or `model_retired` with the replacement when nothing but retired models was named.
 */
export function resolveModels(names: readonly string[], snapshot: Snapshot, asked: Asked): ResolvedModel[] {
  const only = names.length === 1 ? resolvedAlone(names[0] as string, snapshot) : null;
  return only !== null && !isRetired(only.model, asked.nowMs) ? [only] : resolveAll(names, snapshot, asked);
}

function resolveAll(names: readonly string[], snapshot: Snapshot, asked: Asked): ResolvedModel[] {
  const resolved: ResolvedModel[] = [];
  for (const [tier, name] of [...new Set(names)].entries()) {
    const found = resolveName(name, snapshot);
    if (found.length === 0) throw modelNotFound(name, snapshot, (model) => asked.caller === null || mayUseModel(asked.caller, model));
    for (const entry of found) resolved.push({ ...entry, tier, ...(tier === 0 ? {} : { fallback: `named in models[${tier - 1}]` }) });
  }
  const first = resolved[0];
  if (first !== undefined && resolved.every(({ model }) => isRetired(model, asked.nowMs))) throw modelRetired(first.model);
  return resolved;
}

/** One name of one model, as nearly every request has it; made once while the model is in force. */
const ALONE = new WeakMap<Model, ResolvedModel>();

function resolvedAlone(name: string, snapshot: Snapshot): ResolvedModel | null {
  const model = findModel(name, snapshot);
  if (model === null) return null;
  let place = ALONE.get(model);
  if (place === undefined) ALONE.set(model, (place = { model, tier: 0 }));
  return place;
}

export function isRetired(model: Model, nowMs: number): boolean {
  return model.retiredAtMs !== undefined && model.retiredAtMs <= nowMs;
}

export function modelNotFound(name: string, snapshot: Snapshot, mayUse: (model: Model) => boolean): GatewayError {
  const shown = name.slice(0, 128);
  const near = nearNames(shown, snapshot, mayUse);
  const hint = near.length === 0 ? 'GET /v1/models lists what this key may use.' : `Did you mean ${near.map((id) => `\`${id}\``).join(', ')}?`;
  return new GatewayError('model_not_found', `The model \`${shown}\` does not exist here. ${hint}`, { param: 'model', metadata: { near } });
}

function modelRetired(model: Model): GatewayError {
  const use = model.replacement === undefined ? '' : ` Use \`${model.replacement}\` instead.`;
  const metadata = model.replacement === undefined ? undefined : { replacement: model.replacement };
  return new GatewayError('model_retired', `The model \`${model.id}\` is retired.${use}`, { param: 'model', ...(metadata === undefined ? {} : { metadata }) });
}

/** Ids first, then what stands behind the last slash: who types `claude-sonet-4.5` means `anthropic/claude-sonnet-4.5`. */
function nearNames(name: string, snapshot: Snapshot, mayUse: (model: Model) => boolean): readonly string[] {
  const usable = new Map<string, string>();
  for (const model of snapshot.models.values()) {
    if (!mayUse(model)) continue;
    usable.set(model.id, model.id);
    const short = model.id.slice(model.id.lastIndexOf('/') + 1);
    if (!usable.has(short)) usable.set(short, model.id);
    for (const alias of model.aliases) if (!usable.has(alias)) usable.set(alias, alias);
  }
  return [...new Set(nearestNames(name, usable.keys(), 6).map((near) => usable.get(near) ?? near))].slice(0, 3);
}
