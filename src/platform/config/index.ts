export { Config, LOG_LEVELS, ROLES, type LogLevel, type Role } from './config.js';
export { ConfigError, loadConfig } from './load-config.js';
export { parseDurationMs, parseSizeBytes } from './units.js';
export { VARIABLES, type Variable } from './variables.js';
