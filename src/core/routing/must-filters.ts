import type { Capabilities, Deployment } from '../catalog/model.js';
import type { Part } from '../chat/message.js';
import type { ChatRequest, RequestNeeds } from '../chat/request.js';
import type { Caller } from '../policy/caller.js';
import { denyDeployment } from '../policy/decide-deployment.js';
import type { Price } from '../pricing/price.js';
import type { PlannedCandidate } from './candidate.js';
import { isRetired } from './resolve-model.js';

/** What the filters judge by. `caller` null: no policy applies (an operator explains). */
export interface MustQuestion {
  request: ChatRequest;
  needs: RequestNeeds;
  caller: Caller | null;
  nowMs: number;
  /** Where this engine stands: what runs in its own process is processed here. */
  zone: string;
  /** The kind of call: `chat`, `embeddings`, … */
  endpoint: string;
  /** A deployment that is tried although its circuit is open: panic mode's one probe. */
  admit?: string | undefined;
}

/** Estimates go by length and script; a prompt is called too long only when it is so beyond their error. */
const ESTIMATE_MARGIN = 1.25;

type Filter = (candidate: PlannedCandidate, question: MustQuestion) => void;
const FILTERS: readonly Filter[] = [retired, endpoint, policy, unpriced, capability, contextWindow, credential, circuit];

/** Marks the candidate with the first reason that excludes it. What is unknown counts as able: availability first. */
export function applyMust(candidate: PlannedCandidate, question: MustQuestion): void {
  for (const filter of FILTERS) {
    filter(candidate, question);
    if (candidate.excluded !== undefined) return;
  }
}

function retired(candidate: PlannedCandidate, { nowMs }: MustQuestion): void {
  if (isRetired(candidate.model, nowMs)) candidate.exclude('retired', `The model ${candidate.model.id} is retired`, 'model_retired');
}

function endpoint(candidate: PlannedCandidate, question: MustQuestion): void {
  const { endpoints, id } = candidate.model;
  // A prompt can be asked of any chat model as one message.
  if (endpoints.includes(question.endpoint) || (question.endpoint === 'completions' && endpoints.includes('chat'))) return;
  candidate.param = 'model';
  candidate.exclude('capability', `The model ${id} does not serve ${question.endpoint}; it serves ${endpoints.join(', ') || 'nothing'}`, 'invalid_request');
}

function policy(candidate: PlannedCandidate, { caller, needs, zone }: MustQuestion): void {
  if (caller === null) return;
  const { provider, price } = candidate.deployment;
  const zones = provider.inProcess ? [zone] : provider.zones;
  const denial = denyDeployment(caller, {
    providerId: provider.id,
    providerType: provider.type,
    zones,
    price,
    promptTokensEstimate: needs.promptTokensEstimate,
  });
  if (denial === null) return;
  const reason = denial.code === 'price_not_allowed' ? 'price_ceiling' : denial.code === 'zone_not_allowed' ? 'zone' : 'policy';
  candidate.deny(reason, denial);
}

function unpriced(candidate: PlannedCandidate, { needs }: MustQuestion): void {
  const { price } = candidate.deployment;
  if (price === null) return candidate.exclude('unpriced', `The model ${candidate.model.id} has no price at ${candidate.deployment.provider.id}`, 'unpriced');
  for (const { words, needed } of unpricedMediaOf(price)) {
    if (!needed(needs)) continue;
    return candidate.exclude('unpriced', `The model ${candidate.model.id} has no price for ${words} at ${candidate.deployment.provider.id}`, 'unpriced');
  }
}

/** Most requests need none of what a deployment lacks, and what it lacks stays while its snapshot does: looked through once. */
const UNPRICED_MEDIA = new WeakMap<Price, readonly MediaPrice[]>();
const LACKING = new WeakMap<Capabilities, readonly NeededCapability[]>();

function unpricedMediaOf(price: Price): readonly MediaPrice[] {
  let media = UNPRICED_MEDIA.get(price);
  if (media === undefined) UNPRICED_MEDIA.set(price, (media = price.free ? [] : MEDIA_PRICES.filter(({ priced }) => !priced(price))));
  return media;
}

/** What is unknown is not lacking. */
function lackingIn(able: Capabilities): readonly NeededCapability[] {
  let lacking = LACKING.get(able);
  if (lacking === undefined) LACKING.set(able, (lacking = CAPABILITIES.filter(({ name }) => able[name] === false)));
  return lacking;
}

interface MediaPrice {
  words: string;
  needed: (needs: RequestNeeds) => boolean;
  priced: (price: Price) => boolean;
}

/** CONTRACT section 3: audio in either direction and image output need prices of their own. */
const MEDIA_PRICES: readonly MediaPrice[] = [
  { words: 'audio input', needed: (needs) => needs.audioInput, priced: (price) => price.tokens.audioIn !== undefined || pricedByUnit(price) },
  { words: 'audio output', needed: (needs) => needs.audioOutput, priced: (price) => price.tokens.audioOut !== undefined || pricedByUnit(price) },
  { words: 'image output', needed: (needs) => needs.imageOutput, priced: (price) => price.tokens.image !== undefined || price.perImageNanoUsd > 0n },
];

/** Sound by the second, or by the call. */
const pricedByUnit = (price: Price): boolean => price.perSecondNanoUsd > 0n || price.perRequestNanoUsd > 0n;

/** Capability, what needs it, and the canonical and wire name of the parameter that asks for it. */
interface NeededCapability {
  name: keyof Capabilities;
  needed: (needs: RequestNeeds) => boolean;
  canonical: string;
  wire: string;
  words: string;
}

const CAPABILITIES: readonly NeededCapability[] = [
  { name: 'streaming', needed: (needs) => needs.streaming, canonical: 'stream', wire: 'stream', words: 'streaming' },
  { name: 'tools', needed: (needs) => needs.tools, canonical: 'tools', wire: 'tools', words: 'tool use' },
  { name: 'vision', needed: (needs) => needs.vision, canonical: 'messages', wire: 'messages', words: 'image input' },
  { name: 'audioInput', needed: (needs) => needs.audioInput, canonical: 'messages', wire: 'messages', words: 'audio input' },
  { name: 'audioOutput', needed: (needs) => needs.audioOutput, canonical: 'modalities', wire: 'modalities', words: 'audio output' },
  { name: 'imageOutput', needed: (needs) => needs.imageOutput, canonical: 'modalities', wire: 'modalities', words: 'image output' },
  { name: 'files', needed: (needs) => needs.files, canonical: 'messages', wire: 'messages', words: 'file input' },
  { name: 'jsonSchema', needed: (needs) => needs.jsonSchema, canonical: 'responseFormat', wire: 'response_format', words: 'JSON schema output' },
  { name: 'jsonObject', needed: (needs) => needs.jsonObject, canonical: 'responseFormat', wire: 'response_format', words: 'JSON output' },
  { name: 'reasoning', needed: (needs) => needs.reasoning, canonical: 'reasoning', wire: 'reasoning_effort', words: 'reasoning' },
  { name: 'logprobs', needed: (needs) => needs.logprobs, canonical: 'logprobs', wire: 'logprobs', words: 'logprobs' },
  { name: 'choices', needed: (needs) => needs.choices > 1, canonical: 'n', wire: 'n', words: 'several choices' },
];

function capability(candidate: PlannedCandidate, { needs, request }: MustQuestion): void {
  for (const item of lackingIn(candidate.deployment.capabilities)) {
    if (!item.needed(needs)) continue;
    candidate.param = request.wireNames[item.canonical] ?? item.wire;
    return candidate.exclude('capability', `The model ${candidate.model.id} does not support ${item.words}`, 'unsupported_parameter');
  }
}

function contextWindow(candidate: PlannedCandidate, { needs }: MustQuestion): void {
  const window = candidate.deployment.capabilities.contextWindow;
  if (window === undefined || needs.promptTokensEstimate <= window * ESTIMATE_MARGIN) return;
  candidate.exclude(
    'context_window',
    `The prompt of about ${needs.promptTokensEstimate} tokens is longer than the context window of ${candidate.model.id}, ${window} tokens`,
    'context_length_exceeded',
  );
}

function credential(candidate: PlannedCandidate, { nowMs, admit }: MustQuestion): void {
  const { health, deployment } = candidate;
  if (health === null || health.credential === 'ok' || deployment.id === admit) return;
  candidate.waitMs = Math.max(0, (health.credentialUntilMs ?? nowMs) - nowMs);
  if (health.credential === 'rejected')
    return candidate.exclude('credential', `the credential ${deployment.credential.id} was refused by ${deployment.provider.id}`, 'no_deployment_available');
  candidate.exclude(
    'rate_limited',
    `${deployment.provider.id} limits the credential ${deployment.credential.id} for another ${seconds(candidate.waitMs)} s`,
    'upstream_rate_limited',
  );
}

function circuit(candidate: PlannedCandidate, { nowMs, admit }: MustQuestion): void {
  const { health, deployment } = candidate;
  if (health === null || health.circuit !== 'open' || deployment.id === admit) return;
  candidate.waitMs = Math.max(0, (health.retryAtMs ?? nowMs) - nowMs);
  candidate.exclude(
    'circuit_open',
    `its circuit is open for another ${seconds(candidate.waitMs)} s${health.lastError === undefined ? '' : ` (last error: ${health.lastError})`}`,
    'no_deployment_available',
  );
}

const seconds = (waitMs: number): string => (waitMs / 1_000).toFixed(1);

/** Excludes whoever cannot write as much as asked for, unless nobody can: then the provider or the dialect's clamp decides. */
export function preferRoomForOutput(candidates: readonly PlannedCandidate[], wanted: number | undefined): void {
  if (wanted === undefined || !candidates.some(({ deployment }) => writesLess(deployment, wanted))) return;
  const left = candidates.filter((candidate) => candidate.excluded === undefined);
  const able = left.filter(({ deployment }) => !writesLess(deployment, wanted));
  if (able.length === 0 || able.length === left.length) return;
  for (const candidate of left)
    if (!able.includes(candidate))
      candidate.exclude('max_output', `it writes at most ${candidate.deployment.capabilities.maxOutput} tokens, ${wanted} are asked for`);
}

function writesLess({ capabilities: { maxOutput } }: Deployment, wanted: number): boolean {
  return maxOutput !== undefined && maxOutput < wanted;
}

/**
 * Signed or encrypted reasoning in the history pins to the protocol that can read it. When none of the candidates can, nobody
 * is excluded: the renderers then leave it out, which costs the model its old thoughts but answers the request.
 * Returns the protocol where it had to be known, else null.
 */
export function pinToReadersOfHistory(candidates: readonly PlannedCandidate[], originOf: () => string | null): string | null {
  if (candidates.length < 2) return null;
  const left = candidates.filter((candidate) => candidate.excluded === undefined);
  const protocol = left[0]?.deployment.protocol;
  if (protocol === undefined || left.every(({ deployment }) => deployment.protocol === protocol)) return null;
  const origin = originOf();
  if (origin === null || !left.some(({ deployment }) => reads(deployment, origin))) return origin;
  for (const candidate of left)
    if (!reads(candidate.deployment, origin)) candidate.exclude('provider_bound', `it cannot read the ${origin} reasoning in the history`);
  return origin;
}

const reads = (deployment: Deployment, origin: string): boolean => deployment.protocol === origin;

/** The protocol of the latest signed or encrypted piece of reasoning; null when there is none. */
export function originOfHistory(request: ChatRequest): string | null {
  for (let index = request.messages.length - 1; index >= 0; index -= 1) {
    const message = request.messages[index];
    const origin = message?.role === 'assistant' ? firstOrigin(message.parts) : null;
    if (origin !== null) return origin;
  }
  return null;
}

function firstOrigin(parts: readonly Part[]): string | null {
  for (const part of parts) {
    if (part.type === 'tool-call' && part.signature !== undefined) return 'gemini-generate';
    if (part.type !== 'reasoning' || part.origin === undefined) continue;
    if (part.signature !== undefined || part.encrypted !== undefined) return part.origin;
  }
  return null;
}
