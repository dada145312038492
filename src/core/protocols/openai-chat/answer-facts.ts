import type { ChatEvent } from '../../chat/event.js';
import type { JsonObject } from '../../json/index.js';

type Facts = Omit<Extract<ChatEvent, { type: 'start' }>, 'type'>;

/** What an answer, or the first chunk of one, says of itself besides its choices. An empty text says nothing. */
export function factsOf(body: JsonObject): Facts {
  const { created } = body;
  return {
    upstreamId: textOf(body['id']),
    upstreamModel: textOf(body['model']),
    createdS: typeof created === 'number' ? created : undefined,
    serviceTier: textOf(body['service_tier']),
    systemFingerprint: textOf(body['system_fingerprint']),
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
