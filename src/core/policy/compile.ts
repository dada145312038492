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
const compiledCallers = new WeakMap<Caller, CompiledCaller>();

/** A caller's layers, widest first, by what they have a say in: most have none in most of it. */
export interface CompiledCaller {
  /** Those that may refuse a request for what it is. */
  readonly ofRequests: readonly CompiledLayer[];
  readonly ofModels: readonly CompiledLayer[];
  readonly ofDeployments: readonly CompiledLayer[];
  /** The smallest of all layers; null: none has one. */
  readonly maxOutputTokens: number | null;
}

export function compiledCallerOf(caller: Caller): CompiledCaller {
  let compiled = compiledCallers.get(caller);
  if (compiled === undefined) compiledCallers.set(caller, (compiled = compileCaller(caller)));
  return compiled;
}

/** The zone that the caller's project is pinned to is one more zone rule of the project's layer. */
function compileCaller(caller: Caller): CompiledCaller {
  const layers = caller.layers.map(compileLayer).map((layer) => withPin(layer, caller.zone));
  return {
    ofRequests: layers.filter((layer) => judgesModels(layer) || judgesCircumstances(layer)),
    ofModels: layers.filter(judgesModels),
    ofDeployments: layers.filter(judgesDeployments),
    maxOutputTokens: smallestCap(layers),
  };
}

function judgesModels({ models, classes }: CompiledLayer): boolean {
  return models !== null || classes !== null;
}

function judgesCircumstances({ ips, schedule, policy }: CompiledLayer): boolean {
  return ips !== null || schedule !== null || policy.streaming === false || policy.capabilities !== undefined;
}

function judgesDeployments({ providers, zones, maxInputNanoUsd, maxOutputNanoUsd }: CompiledLayer): boolean {
  return providers !== null || zones !== null || maxInputNanoUsd !== null || maxOutputNanoUsd !== null;
}

function smallestCap(layers: readonly CompiledLayer[]): number | null {
  let smallest: number | null = null;
  for (const { policy } of layers) {
    const cap = policy.max_output_tokens;
    if (cap !== undefined && (smallest === null || cap < smallest)) smallest = cap;
  }
  return smallest;
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
