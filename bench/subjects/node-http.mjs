/** The floor in Node: node:http and undici's dispatcher; the request parsed once and its bytes passed on. */
import { createServer } from 'node:http';
import { announce, ask, pipe } from './forward.mjs';

const server = createServer((request, reply) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    if (JSON.parse(body.toString('utf8')).stream === true) pipe(body, reply);
    else void answer(body, reply);
  });
});

async function answer(body, reply) {
  try {
    const { status, bytes } = await ask(body);
    reply.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
    reply.end(bytes);
  } catch {
    reply.writeHead(502, { 'content-length': 0 });
    reply.end();
  }
}

server.keepAliveTimeout = 75_000;
server.listen(0, '127.0.0.1', () => announce(server.address().port));
