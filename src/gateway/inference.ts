import { SetMetadata } from '@nestjs/common';
import type { ClientProtocolId } from '../core/protocols/protocol.js';

export const INFERENCE_PROTOCOL = 'opengateway:inference-protocol';

/** Names the protocol that clients of this controller speak: how bodies are parsed, answers and errors rendered. */
export const Speaks = (protocol: ClientProtocolId): ClassDecorator & MethodDecorator => SetMetadata(INFERENCE_PROTOCOL, protocol);
