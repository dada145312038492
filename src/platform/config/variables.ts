import { resolve } from 'node:path';
import type { Config } from './config.js';
import { parseDurationMs, parseSizeBytes } from './units.js';

/** One variable of the environment: how its text becomes a value, and what a person is told when it cannot. */
export interface Variable {
  readonly name: string;
  /** Null for a variable that others read (the CLI, the tracing SDK): known, so not refused. */
  readonly field: ConfigField | null;
  readonly read: (text: string) => unknown;
  readonly fallback: string | null;
  /** Completes "expected …". */
  readonly expects: string;
  /** For the generated reference. */
  readonly meaning: string;
  /** Its value is never shown. */
  readonly secret?: boolean;
}

export type ConfigField = Exclude<keyof Config, 'environment' | 'runs'>;

const asText = (text: string): string => text;
const asNumber = (text: string): number => (/^\d+$/.test(text.trim()) ? Number(text) : Number.NaN);
const asList = (text: string): string[] => text.split(',').map((word) => word.trim()).filter((word) => word !== '');
const asBoolean = (text: string): unknown => ({ true: true, '1': true, yes: true, on: true, false: false, '0': false, no: false, off: false })[text.toLowerCase()] ?? text;
const asAddress = (text: string): string => text.replace(/\/+$/, '');

const PORT_NUMBER = 'a port number from 0 to 65535';
const POSTGRES_URL = 'a URL like postgresql://user:password@host:5432/database';

/** In the order of the reference. */
export const VARIABLES: readonly Variable[] = [
  { name: 'HOST', field: 'host', read: asText, fallback: '127.0.0.1', expects: 'an address to listen on', meaning: 'the address the gateway listens on' },
  { name: 'PORT', field: 'port', read: asNumber, fallback: '8080', expects: PORT_NUMBER, meaning: 'the port it listens on; 0 lets the system choose' },
  { name: 'OG_METRICS_PORT', field: 'metricsPort', read: asNumber, fallback: null, expects: PORT_NUMBER, meaning: 'a separate listener for `/metrics` and probes' },
  { name: 'ROLES', field: 'roles', read: asList, fallback: 'engine,backoffice,worker', expects: 'a list of engine, backoffice, worker', meaning: 'what this process runs' },
  { name: 'OG_ZONE', field: 'zone', read: asText, fallback: 'local', expects: 'lower-case letters, digits and dashes, at most 32', meaning: 'the zone it serves' },
  { name: 'OG_DATA_DIR', field: 'dataDirectory', read: (text) => resolve(text), fallback: '.data', expects: 'a path', meaning: 'embedded database, generated secrets, the ledger’s journal' },
  { name: 'DATABASE_URL', field: 'databaseUrl', read: asText, fallback: null, expects: POSTGRES_URL, meaning: 'PostgreSQL 15 or later; unset: an embedded one', secret: true },
  { name: 'DATABASE_DIRECT_URL', field: 'databaseDirectUrl', read: asText, fallback: null, expects: POSTGRES_URL, meaning: 'the same database past a transaction pooler, as the owner of the schema: for LISTEN, migrations and jobs', secret: true },
  { name: 'REDIS_URL', field: 'redisUrl', read: asText, fallback: null, expects: 'a URL like redis://host:6379/0', meaning: 'shared counters and jobs; unset: in process, jobs on PostgreSQL', secret: true },
  { name: 'OG_ADMIN_TOKEN', field: 'adminToken', read: asText, fallback: null, expects: 'at least 32 visible ASCII characters', meaning: 'the operator’s bearer token; unset: generated', secret: true },
  { name: 'OG_MASTER_KEY', field: 'masterKey', read: asText, fallback: null, expects: '32 bytes in base64 or hex', meaning: 'seals provider secrets, keys the digests of virtual keys and codes; unset: generated', secret: true },
  { name: 'OG_DEMO', field: 'demo', read: asBoolean, fallback: null, expects: 'true or false', meaning: 'demo credit and key at the first boot; default: true with the embedded database' },
  { name: 'OG_CONFIG', field: 'configFile', read: (text) => resolve(text), fallback: null, expects: 'a path', meaning: 'a YAML or JSON document applied at boot and on change' },
  { name: 'OG_PUBLIC_URL', field: 'publicUrl', read: asAddress, fallback: null, expects: 'an http or https URL', meaning: 'the address in links; never taken from `Host`' },
  { name: 'WEB_CONCURRENCY', field: 'workerCount', read: asNumber, fallback: '1', expects: 'a whole number from 1 to 256', meaning: 'processes on this machine' },
  { name: 'OG_LOG_LEVEL', field: 'logLevel', read: asText, fallback: 'info', expects: 'fatal, error, warn, info, debug, trace or silent', meaning: 'the least severity that is logged' },
  { name: 'OG_DRAIN_TIMEOUT', field: 'drainTimeoutMs', read: parseDurationMs, fallback: '120s', expects: 'a duration like 30s, up to 1h', meaning: 'how long a stop waits for running requests' },
  { name: 'OG_BODY_LIMIT', field: 'bodyLimitBytes', read: parseSizeBytes, fallback: '32MiB', expects: 'a size like 32MiB, up to 1GiB', meaning: 'the largest request body' },
  { name: 'OG_TRUSTED_PROXIES', field: 'trustedProxies', read: asList, fallback: '', expects: 'a list of addresses or CIDR blocks', meaning: 'whose `X-Forwarded-For` is believed; unset: nobody’s' },
  { name: 'OG_DATABASE_POOL', field: 'databasePoolSize', read: asNumber, fallback: '20', expects: 'a whole number from 2 to 500', meaning: 'the most database connections of one process for requests' },
  { name: 'OG_URL', field: null, read: asText, fallback: null, expects: 'a URL', meaning: 'where `og` and the examples find the gateway' },
  { name: 'OG_API_KEY', field: null, read: asText, fallback: null, expects: 'a virtual key', meaning: 'the key that `og` and the examples use', secret: true },
];
