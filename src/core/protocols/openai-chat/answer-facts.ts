import type { ChatEvent } from '../../chat/event.js';
import type { JsonObject } from '../../json/index.js';

type Facts = Omit<Extract<ChatEvent, { type: 'start' }>, 'type'>;

/** What an answer, or the first chunk of one, says of itself besides its choices. An empty text says nothing. */
export function factsOf(body: JsonObject): Facts {
  const text = (key: string) => (typeof body[key] === 'string' && body[key] !== '' ? body[key] : undefined);
  return {
    upstreamId: text('id'),
    upstreamModel: text('model'),
    createdS: typeof body['created'] === 'number' ? body['created'] : undefined,
    serviceTier: text('service_tier'),
    systemFingerprint: text('system_fingerprint'),
  };
}
