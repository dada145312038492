/** A minimal Nest proxy on Fastify: one controller, one injected service; no guard, pipe, interceptor or filter of its own. */
import 'reflect-metadata';
import { Controller, Inject, Injectable, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { announce, ask, pipe } from './forward.mjs';

/** Decorators by hand: this file runs uncompiled. */
function decorate(target, ...decorators) {
  for (const decorator of decorators) decorator(target);
}

class Upstream {
  ask(body) {
    return ask(body);
  }
  pipe(body, reply) {
    pipe(body, reply);
  }
}
decorate(Upstream, Injectable());

class ChatController {
  constructor(upstream) {
    this.upstream = upstream;
  }
  async complete(request, reply) {
    const body = JSON.stringify(request.body);
    if (request.body.stream === true) {
      reply.hijack();
      this.upstream.pipe(body, reply.raw);
      return;
    }
    const { status, bytes } = await this.upstream.ask(body);
    reply.code(status).type('application/json').send(bytes);
  }
}
Inject(Upstream)(ChatController, undefined, 0);
Req()(ChatController.prototype, 'complete', 0);
Res()(ChatController.prototype, 'complete', 1);
Post('v1/chat/completions')(ChatController.prototype, 'complete', Object.getOwnPropertyDescriptor(ChatController.prototype, 'complete'));
decorate(ChatController, Controller());

class AppModule {}
decorate(AppModule, Module({ controllers: [ChatController], providers: [Upstream] }));

const app = await NestFactory.create(AppModule, new FastifyAdapter({ logger: false, keepAliveTimeout: 75_000 }), { logger: false });
await app.listen(0, '127.0.0.1');
announce(app.getHttpServer().address().port);
