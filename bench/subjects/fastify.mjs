/** A minimal Fastify proxy: its own body parsing and its own reply; streams on the raw one. */
import { fastify } from 'fastify';
import { announce, ask, pipe } from './forward.mjs';

const app = fastify({ logger: false, keepAliveTimeout: 75_000 });

app.post('/v1/chat/completions', async (request, reply) => {
  const body = JSON.stringify(request.body);
  if (request.body.stream === true) {
    reply.hijack();
    pipe(body, reply.raw);
    return reply;
  }
  const { status, bytes } = await ask(body);
  return reply.code(status).type('application/json').send(bytes);
});

await app.listen({ port: 0, host: '127.0.0.1' });
announce(app.server.address().port);
