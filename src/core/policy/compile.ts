import { parseUsd } from '../pricing/index.js';
import type { AllowDeny, Caller, CallerLayer, LayerName, Policy } from './caller.js';
import { parseAddressRange, type AddressRange } from './cidr.js';
import type { Denial } from './decision.js';
import { compileGlob, type Glob } from './glob.js';
import { compileSchedule, type CompiledSchedule } from './schedule.js';

export interface GlobRule {
  /** Null: everything that is not denied. An empty list allows nothing. */
  readonly allow: readonly Glob[] | null;
  readonly deny: readonly Glob[];
}

/** A layer's policy with its patterns, ranges and prices read once. */
export interface CompiledLayer {
  readonly layer: LayerName;
  readonly id: string;
  readonly policy: Policy;
  readonly models: GlobRule | null;
  readonly classes: GlobRule | null;
  readonly providers: GlobRule | null;
  readonly zones: ReadonlySet<string> | null;
  readonly maxInputNanoUsd: bigint | null;
  readonly maxOutputNanoUsd: bigint | null;
  readonly ips: readonly AddressRange[] | null;
  readonly schedule: CompiledSchedule | null;
  /** What was decided about a model, as long as the catalogue's object of it lives: patterns are matched once per model. */
  readonly modelVerdicts: WeakMap<object, Denial | null>;
}

/** Layers of organizations and projects are shared by many callers, so each is compiled once while its record lives. */
const compiledLayers = new WeakMap<CallerLayer, CompiledLayer>();
const compiledCallers = new WeakMap<Caller, readonly CompiledLayer[]>();

/** A caller's layers, widest first; the zone its project is pinned to is one more zone rule of the project's layer. */
export function compiledLayersOf(caller: Caller): readonly CompiledLayer[] {
  let layers = compiledCallers.get(caller);
  if (layers === undefined) {
    layers = caller.layers.map(compileLayer).map((layer) => withPin(layer, caller.zone));
    compiledCallers.set(caller, layers);
  }
  return layers;
}

/** The layer is expected to have passed `parsePolicy`. */
export function compileLayer(layer: CallerLayer): CompiledLayer {
  let compiled = compiledLayers.get(layer);
  if (compiled === undefined) {
    compiled = compile(layer);
    compiledLayers.set(layer, compiled);
  }
  return compiled;
}

function compile({ layer, id, policy }: CallerLayer): CompiledLayer {
  return {
    layer,
    id,
    policy,
    models: globRule(policy.models),
    classes: globRule(policy.classes),
    providers: globRule(policy.providers),
    zones: policy.zones === undefined ? null : new Set(policy.zones),
    maxInputNanoUsd: usdOrNull(policy.max_price?.input),
    maxOutputNanoUsd: usdOrNull(policy.max_price?.output),
    ips: policy.ips === undefined ? null : policy.ips.map(readRange),
    schedule: policy.schedule === undefined ? null : compileSchedule(policy.schedule),
    modelVerdicts: new WeakMap(),
  };
}

function withPin(layer: CompiledLayer, zone: string | undefined): CompiledLayer {
  if (layer.layer !== 'project' || zone === undefined) return layer;
  const zones = layer.zones === null || layer.zones.has(zone) ? [zone] : [];
  return { ...layer, zones: new Set(zones) };
}

function globRule(rule: AllowDeny | undefined): GlobRule | null {
  if (rule === undefined) return null;
  return { allow: rule.allow === undefined ? null : rule.allow.map(compileGlob), deny: (rule.deny ?? []).map(compileGlob) };
}

function readRange(text: string): AddressRange {
  const range = parseAddressRange(text);
  if (range === null) throw new Error(`not an address range: ${text}`);
  return range;
}

function usdOrNull(text: string | undefined): bigint | null {
  return text === undefined ? null : parseUsd(text);
}
