export { RedisConnection, RedisUnavailableError } from './redis-connection.js';
