import type { FinishReason } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ResponseDialect } from '../dialect.js';
import { text } from './types.js';

export interface Finish {
  reason: FinishReason;
  raw: string;
  /** The word is in no table: taken as `stop`, and counted. */
  drift?: string;
}

const CUT: Readonly<Record<string, FinishReason>> = { max_output_tokens: 'length', max_tokens: 'length', content_filter: 'content_filter' };

/** The end of a response that did not fail: by `status`, and for an incomplete one by its reason. */
export function finishOf(response: JsonObject, called: boolean, dialect: ResponseDialect): Finish {
  const raw = rawOf(response);
  const own = dialect.finishMap?.[raw];
  if (own !== undefined) return { reason: own, raw };
  if (raw === 'completed') return { reason: called ? 'tool_calls' : 'stop', raw };
  const cut = Object.hasOwn(CUT, raw) ? CUT[raw] : undefined;
  if (cut !== undefined) return { reason: cut, raw };
  return { reason: response['status'] === 'incomplete' ? 'length' : 'stop', raw, drift: `status:${raw}` };
}

function rawOf(response: JsonObject): string {
  const status = text(response['status']) || 'completed';
  const details = response['incomplete_details'];
  return (status !== 'completed' && isObject(details) && text(details['reason'])) || status;
}
