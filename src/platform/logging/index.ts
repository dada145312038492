export { createLogger, PinoLogger, type LoggingOptions } from './pino-logger.js';
export { redactSecrets } from './redact-secrets.js';
export { throttled } from './throttle.js';
