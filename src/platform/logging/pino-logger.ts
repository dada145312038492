import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import { redactSecrets } from '../../core/errors/redact-secrets.js';
import { SECRET_FIELDS } from './secret-fields.js';

/** What Nest tells about its own start, line by line for every route: worth reading when something is wrong with it. */
const START_CONTEXTS = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication', 'BullModule', 'TypeOrmModule']);

export interface LoggingOptions {
  readonly level: string;
  readonly zone: string;
  /** Standard output unless told. */
  readonly destination?: DestinationStream;
}

/** One JSON object a line: level, time, zone, context, msg, and the fields given. Secrets are cut out of each line. */
export function createLogger(options: LoggingOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { zone: options.zone },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...SECRET_FIELDS], censor: '[redacted]' },
      hooks: { streamWrite: redactSecrets },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/**
 * Nest's logger on pino. `new Logger('Context')` from @nestjs/common arrives here:
 * `logger.warn('text')`, `logger.warn({ any: 'fields', message: 'text' })`, `logger.error('text', error)`.
 */
export class PinoLogger implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown, ...rest: unknown[]): void {
    const startUp = START_CONTEXTS.has(String(rest.at(-1)));
    this.#write(startUp ? 'debug' : 'info', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write('fatal', message, rest);
  }

  /** Nest appends the context as the last argument, and for errors a stack before it. */
  #write(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', message: unknown, rest: readonly unknown[]): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    const last = rest.at(-1);
    const context = typeof last === 'string' && !last.includes('\n') ? last : undefined;
    const details = context === undefined ? rest : rest.slice(0, -1);
    const { fields, text } = describe(message);
    const { said, ...more } = detailFields(details);
    this.#logger[level]({ ...fields, ...more, ...(context === undefined ? {} : { context }) }, text === '' ? said : text);
  }
}

function describe(message: unknown): { fields: Record<string, unknown>; text: string } {
  if (message instanceof Error) return { fields: { err: message }, text: message.message };
  if (typeof message !== 'object' || message === null) return { fields: {}, text: String(message) };
  const { message: text, ...fields } = message as Record<string, unknown>;
  return { fields, text: typeof text === 'string' ? text : '' };
}

/** `said`: the text of `logger.log({ any: 'fields' }, 'text')`. */
function detailFields(details: readonly unknown[]): { said?: string } & Record<string, unknown> {
  const fields: { said?: string } & Record<string, unknown> = {};
  for (const detail of details) {
    if (detail instanceof Error) fields['err'] = detail;
    else if (typeof detail === 'string') fields[detail.includes('\n') ? 'stack' : 'said'] = detail;
    else if (typeof detail === 'object' && detail !== null) Object.assign(fields, detail);
  }
  return fields;
}
