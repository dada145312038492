import { SetMetadata } from '@nestjs/common';
import type { OperationKind } from '../core/operations/index.js';
import type { ClientProtocolId } from '../core/protocols/protocol.js';

export const INFERENCE_PROTOCOL = 'opengateway:inference-protocol';

/** Names the protocol that clients of this controller speak: how bodies are parsed, answers and errors rendered. */
export const Speaks = (protocol: ClientProtocolId): ClassDecorator & MethodDecorator => SetMetadata(INFERENCE_PROTOCOL, protocol);

export const INFERENCE_OPERATION = 'opengateway:inference-operation';

/** Names the operation a handler serves, where it is no chat. */
export const Serves = (operation: OperationKind): MethodDecorator => SetMetadata(INFERENCE_OPERATION, operation);
