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

/** The end of a response that did not fail: by `status`, and for an incomplete one by its reason. */
export function finishOf(response: JsonObject, called: boolean, dialect: ResponseDialect): Finish {
  const status = text(response['status']) || 'completed';
  const details = response['incomplete_details'];
  const reason = isObject(details) ? text(details['reason']) : '';
  const raw = status === 'completed' ? status : reason || status;
  const own = dialect.finishMap?.[raw];
  if (own !== undefined) return { reason: own, raw };
  if (raw === 'completed') return { reason: called ? 'tool_calls' : 'stop', raw };
  if (raw === 'max_output_tokens' || raw === 'max_tokens') return { reason: 'length', raw };
  if (raw === 'content_filter') return { reason: 'content_filter', raw };
  return { reason: status === 'incomplete' ? 'length' : 'stop', raw, drift: `status:${raw}` };
}
