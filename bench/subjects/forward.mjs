/**
 * What the three comparison subjects share: the leanest correct way to ask an upstream from Node, undici's dispatcher with a
 * handler of its own (neither `fetch` nor streams), the client's back-pressure passed on.
 */
import { Pool } from 'undici';

const upstream = new Pool(process.env.BENCH_UPSTREAM, { connections: 8_192, pipelining: 1 });
const REQUEST_HEADERS = { 'content-type': 'application/json', authorization: 'Bearer benchmark' };

/** The whole answer's bytes. */
export function ask(body) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let status = 0;
    upstream.dispatch(
      { path: '/v1/chat/completions', method: 'POST', headers: REQUEST_HEADERS, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          status = statusCode;
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd() {
          resolve({ status, bytes: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) });
        },
        onResponseError(_controller, error) {
          reject(error);
        },
      },
    );
  });
}

/** Passes a stream on to a raw reply, chunk by chunk. */
export function pipe(body, reply) {
  let upstreamSide = null;
  reply.once('close', () => {
    if (!reply.writableFinished) upstreamSide?.abort(new Error('the client left'));
  });
  upstream.dispatch(
    { path: '/v1/chat/completions', method: 'POST', headers: REQUEST_HEADERS, body },
    {
      onRequestStart(controller) {
        upstreamSide = controller;
      },
      onResponseStart(_controller, statusCode) {
        reply.writeHead(statusCode, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      },
      onResponseData(controller, chunk) {
        if (reply.write(chunk)) return;
        controller.pause();
        reply.once('drain', () => controller.resume());
      },
      onResponseEnd() {
        reply.end();
      },
      onResponseError() {
        reply.destroy();
      },
    },
  );
}

export function announce(port) {
  process.stdout.write(`ready http://127.0.0.1:${port}\n`);
}
