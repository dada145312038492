/** Fields whose value is a secret whatever it looks like; pino replaces them before they are written. */
export const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'cookie',
  'api_key',
  'apiKey',
  'key',
  'token',
  'password',
  'secret',
  'secret_access_key',
  'service_account',
  'admin_token',
  'master_key',
  '["x-api-key"]',
  '["x-goog-api-key"]',
  '["set-cookie"]',
].flatMap((name) => [name, `*${name.startsWith('[') ? '' : '.'}${name}`, `*.*${name.startsWith('[') ? '' : '.'}${name}`]);
