export { EventStreamCorruption, EventStreamDecoder, type EventStreamMessage } from './decode-eventstream.js';
export { encodeEventStream } from './encode-eventstream.js';
