export type { BodySink, InboundMessage, OutboundReply } from './inbound.js';
export { LeanServer, type LeanService } from './lean-server.js';
export { NodeMessage, NodeReply } from './node-inbound.js';
