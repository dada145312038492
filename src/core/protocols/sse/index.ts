export { SseDecoder, SseOverflow, type SseFrame } from './decode-sse.js';
export { encodeSse } from './encode-sse.js';
