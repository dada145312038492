import { CAPABILITY_FLAGS, CAPABILITY_SIZES } from '../../core/catalog/catalogue-row.js';
import type { SettlementPolicy } from '../../core/ledger/settlement.js';
import type { Capabilities, Route, RouteArm, RouteMatch, RouteShadow } from '../../core/catalog/model.js';
import { formatUsd, renderPricePlan } from '../../core/pricing/index.js';
import { findDefinition } from '../definitions/index.js';
import type { ConfigurationDocument, ModelDocument, ProviderDocument } from './document.js';

/** Turns a secret into what may stand in its place: sealed to be stored, masked to be shown, a digest to be compared. */
export type RenderSecret = (plain: string, owner: { provider: string; credential: string }) => string;

type Json = Record<string, unknown>;

/** The document as JSON that `parseConfiguration` reads back into the same. */
export function renderConfiguration(document: ConfigurationDocument, secret: RenderSecret): Json {
  return {
    version: 1,
    ...(document.providers !== undefined && { providers: document.providers.map((provider) => renderProvider(provider, secret)) }),
    ...(document.models !== undefined && { models: document.models.map(renderModel) }),
    ...(document.ledger !== undefined && { ledger: { lease: document.ledger.lease ? 'on' : 'off' } }),
    ...(document.routes !== undefined && { routes: document.routes.map(renderRoute) }),
  };
}

export function renderProvider(provider: ProviderDocument, secret: RenderSecret): Json {
  const timeouts = renderTimeouts(provider.timeouts);
  return {
    id: provider.id,
    type: provider.type,
    ...(provider.baseUrl !== null && { base_url: provider.baseUrl }),
    ...(provider.zones.length > 0 && { zones: provider.zones }),
    ...(provider.credentials.length > 0 && {
      credentials: provider.credentials.map(({ id, weight, secrets }) => ({
        id,
        ...renderFields(provider, secrets, (plain) => secret(plain, { provider: provider.id, credential: id })),
        weight,
      })),
    }),
    ...(timeouts !== null && { timeouts }),
    health: provider.health ? 'on' : 'off',
    drain_on_abort: provider.drainOnAbort,
    bill_partial: provider.billPartial,
    ...(provider.maxConcurrency !== undefined && { max_concurrency: provider.maxConcurrency }),
    ...renderSettlement(provider.settlement),
  };
}

/** Flags that are as they are by default are not written. */
function renderSettlement({ zeroCompletionInsurance, chargeCanceledPrompt }: SettlementPolicy): Json {
  return {
    ...(zeroCompletionInsurance ? {} : { zero_completion_insurance: false }),
    ...(chargeCanceledPrompt ? {} : { charge_canceled_prompt: false }),
  };
}

/** Regions and projects are no secrets: they are shown. */
function renderFields({ type }: ProviderDocument, fields: Readonly<Record<string, string>>, secret: (plain: string) => string): Json {
  const open = new Set(
    findDefinition(type)
      ?.credentialFields?.filter((field) => !field.secret)
      .map((field) => field.name),
  );
  return Object.fromEntries(Object.entries(fields).map(([name, plain]) => [name, open.has(name) ? plain : secret(plain)]));
}

function renderTimeouts({ connectMs, firstByteMs, idleMs, totalMs, firstByteMinMs, idleMinMs }: ProviderDocument['timeouts']): Json | null {
  const named = { connect: connectMs, first_byte: firstByteMs, idle: idleMs, total: totalMs, first_byte_min: firstByteMinMs, idle_min: idleMinMs };
  const set = Object.entries(named).filter(([, value]) => value !== undefined);
  return set.length === 0 ? null : Object.fromEntries(set.map(([name, ms]) => [name, duration(ms as number)]));
}

function duration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

export function renderModel(model: ModelDocument): Json {
  const capabilities = renderCapabilities(model.capabilities);
  return {
    id: model.id,
    ...(model.name !== null && { name: model.name }),
    ...(model.aliases !== null && { aliases: model.aliases }),
    serve: model.serve.map(({ protocol, ...rest }) => ({ ...rest, ...(protocol !== null && { protocol }) })),
    ...(model.price !== null && { price: renderPricePlan(model.price) }),
    ...(model.cost !== null && { cost: renderPricePlan(model.cost) }),
    ...(Object.keys(capabilities).length > 0 && { capabilities }),
    ...(model.class !== null && { class: model.class }),
    ...(model.endpoints !== undefined && { endpoints: model.endpoints }),
  };
}

function renderCapabilities(capabilities: Capabilities): Json {
  const names = { ...CAPABILITY_FLAGS, ...CAPABILITY_SIZES };
  return Object.fromEntries(Object.entries(names).flatMap(([name, field]) => (capabilities[field] === undefined ? [] : [[name, capabilities[field]]])));
}

/** What has its default is left out, so that a route reads as it was written. */
export function renderRoute(route: Route): Json {
  return {
    name: route.name,
    match: renderMatch(route.match),
    strategy: route.strategy.kind === 'weighted' ? { weighted: renderArms(route.strategy.arms) } : route.strategy.kind,
    fallbacks: route.fallbacks,
    max_attempts: route.maxAttempts,
    ...(route.fallbackOn.length > 0 && { fallback_on: route.fallbackOn }),
    ...(route.affinity === null && { affinity: 'off' }),
    ...(route.affinity !== null && route.affinity.length > 0 && { affinity: { metadata: route.affinity } }),
    ...(Object.keys(route.limits).length > 0 && { limits: route.limits }),
    ...(route.shadow !== undefined && { shadow: renderShadow(route.shadow) }),
    ...(route.hedge !== undefined && { hedge: { after: route.hedge.after === 'p95' ? 'p95' : duration(route.hedge.after) } }),
  };
}

function renderMatch({ promptTokens, ...match }: RouteMatch): Json {
  return { ...match, ...(promptTokens !== undefined && { prompt_tokens: promptTokens }) };
}

function renderArms(arms: Readonly<Record<string, RouteArm>>): Json {
  return Object.fromEntries(Object.entries(arms).map(([name, { weight, to }]) => [name, to === name ? weight : { weight, to }]));
}

function renderShadow({ budgetNanoUsd, ...shadow }: RouteShadow): Json {
  return { to: shadow.to, share: shadow.share, budget_usd: formatUsd(budgetNanoUsd), concurrency: shadow.concurrency };
}
