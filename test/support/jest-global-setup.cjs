/**
 * Offers one embedded PostgreSQL (fsync off) to all test files, started when the first of them asks: a run of pure tests
 * pays nothing. It lives in jest's main process, so that it ends with it even after a SIGKILL.
 */
const { createServer } = require('node:http');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
require('./typescript-hooks.cjs');

module.exports = async () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-test-'));
  let server = null;
  const ask = () => (server ??= start(join(directory, 'data')));
  const control = createServer((_request, response) => {
    ask().then(
      (postgres) => response.end(JSON.stringify({ url: postgres.url })),
      (error) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
    );
  });
  const socket = join(directory, 'control.sock');
  await new Promise((resolve) => control.listen(socket, resolve));
  control.unref();
  process.env.OGTEST_DATABASE_CONTROL = socket;
  globalThis.stopTestDatabase = async () => {
    control.close();
    await server?.then((postgres) => postgres.stop()).catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  };
};

async function start(dataDirectory) {
  const { startEmbeddedPostgres } = await import('../../src/platform/database/embedded/embedded-postgres.ts');
  return startEmbeddedPostgres({ dataDirectory, durable: false, say: () => undefined });
}
