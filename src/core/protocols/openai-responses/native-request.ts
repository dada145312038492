import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest } from '../../chat/request.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { isForeign } from './foreign-proof.js';
import { OWN_ID } from './types.js';

/**
 * The client's own members with what the gateway must change: the model's name, its own fallback list, a maximum that a policy
 * lowered, and of the history what another provider made: its thoughts (no provider can read them) and item ids of ours.
 */
export function renderNativeRequest(wire: JsonObject, request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const next: JsonObject = { ...wire, model: context.upstreamModel };
  const report: ParameterAdjustment[] = [];
  delete next['models'];
  if (Array.isArray(wire['input'])) next['input'] = ownHistory(wire['input'] as unknown[], report);
  if (request.maxOutputTokens !== undefined && wire['max_output_tokens'] !== request.maxOutputTokens) next['max_output_tokens'] = request.maxOutputTokens;
  return { wire: next, report };
}

/** The identical array when there is nothing to change. */
function ownHistory(input: unknown[], report: ParameterAdjustment[]): unknown[] {
  if (!input.some((item) => isObject(item) && isMade(item))) return input;
  const kept = input.filter((item) => !(isObject(item) && isForeignThought(item)));
  if (kept.length < input.length) report.push({ parameter: 'input', action: 'dropped', detail: 'reasoning' });
  return kept.map((item) => (isObject(item) && hasOwnId(item) ? withoutId(item) : item));
}

const isMade = (item: JsonObject): boolean => hasOwnId(item) || isForeignThought(item);

const hasOwnId = ({ id }: JsonObject): boolean => typeof id === 'string' && OWN_ID.test(id);

function isForeignThought(item: JsonObject): boolean {
  if (item['type'] !== 'reasoning') return false;
  const proof = item['encrypted_content'];
  return isForeign(proof) || (hasOwnId(item) && (proof === undefined || proof === null));
}

function withoutId({ id: _id, ...rest }: JsonObject): JsonObject {
  return rest;
}
