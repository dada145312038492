export { SseDecoder, SseOverflow, type SseFrame } from './decode-sse.js';
export { encodeSse } from './encode-sse.js';
export { PROBE, QuickText, type QuickTextItem, type TextRule } from './quick-text.js';
