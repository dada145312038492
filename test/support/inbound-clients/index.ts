export { PIXEL, type Asked, type Got, type InboundClient } from './asked.js';
export { CHAT_COMPLETIONS } from './chat-completions.js';
export { COMPLETIONS } from './completions.js';
export { MESSAGES } from './messages.js';
export { RESPONSES } from './responses.js';
