import { ArrayNotEmpty, ArrayUnique, IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUrl, Matches, Max, Min, MinLength } from 'class-validator';

export const ROLES = ['engine', 'backoffice', 'worker'] as const;
export type Role = (typeof ROLES)[number];

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
/** 32 bytes: 64 hex digits, or 43 base64 digits with or without padding, either alphabet. */
const MASTER_KEY = /^([0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)$/;

/**
 * The process's environment, typed and validated: an injectable class, made once by `loadConfig`. Null means unset. What
 * each field reads, and its default, stands in variables.ts.
 */
export class Config {
  @IsString()
  @MinLength(1)
  host!: string;

  /** 0 lets the system choose. */
  @IsInt()
  @Min(0)
  @Max(65_535)
  port!: number;

  /** Null: `/metrics` is on the main listener. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(65_535)
  metricsPort!: number | null;

  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(ROLES, { each: true })
  roles!: readonly Role[];

  @Matches(/^[a-z0-9][a-z0-9-]{0,31}$/)
  zone!: string;

  /** Absolute. */
  @IsString()
  dataDirectory!: string;

  /** Null: the embedded database. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\/\S+$/)
  databaseUrl!: string | null;

  /** For LISTEN and migrations when a transaction pooler stands before the database. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\/\S+$/)
  databaseDirectUrl!: string | null;

  /** Null: counters in process, jobs on PostgreSQL. */
  @IsOptional()
  @Matches(/^rediss?:\/\/\S+$/)
  redisUrl!: string | null;

  /** Null: generated at the first start and kept in the data directory. */
  @IsOptional()
  @MinLength(32)
  @Matches(VISIBLE_ASCII)
  adminToken!: string | null;

  /** Null: generated into the data directory. */
  @IsOptional()
  @Matches(MASTER_KEY)
  masterKey!: string | null;

  @IsBoolean()
  demo!: boolean;

  /** Path of the document applied at boot and on change. */
  @IsOptional()
  @IsString()
  configFile!: string | null;

  /** Without a final slash. */
  @IsOptional()
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] })
  publicUrl!: string | null;

  @IsInt()
  @Min(1)
  @Max(256)
  workerCount!: number;

  @IsIn(LOG_LEVELS)
  logLevel!: LogLevel;

  /** How long a stop waits for running requests. */
  @IsInt()
  @Min(0)
  @Max(3_600_000)
  drainTimeoutMs!: number;

  @IsInt()
  @Min(1_024)
  @Max(1_073_741_824)
  bodyLimitBytes!: number;

  /** Addresses and CIDR blocks whose `X-Forwarded-For` is believed; nobody's by default. */
  @Matches(/^[0-9a-fA-F.:]+(\/\d{1,3})?$/, { each: true })
  trustedProxies!: readonly string[];

  @IsInt()
  @Min(2)
  @Max(500)
  databasePoolSize!: number;

  /** The raw environment, for `${env:NAME}` and the providers' usual key variables. Never logged. */
  environment!: Readonly<Record<string, string | undefined>>;

  runs(role: Role): boolean {
    return this.roles.includes(role);
  }
}

