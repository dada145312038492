export { createLogger, PinoLogger, type LoggingOptions } from './pino-logger.js';
export { throttled } from './throttle.js';
