import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { GatewayError } from '../core/errors/gateway-error.js';
import { findProjectRoot } from '../platform/index.js';

/** Own files only: no inline script, no other origin, no frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  'console.css': 'text/css; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'index.html': 'text/html; charset=utf-8',
};

/** The operator's console: three files that speak to the admin API from the browser. */
@ApiExcludeController()
@Controller('console')
export class ConsoleController {
  private readonly files = new Map(Object.keys(TYPES).map((name) => [name, readFileSync(join(findProjectRoot(), 'web', 'console', name))]));

  @Get()
  page(@Res() reply: FastifyReply): void {
    this.send('index.html', reply);
  }

  @Get(':file')
  file(@Param('file') name: string, @Res() reply: FastifyReply): void {
    this.send(name, reply);
  }

  private send(name: string, reply: FastifyReply): void {
    const content = this.files.get(name);
    if (content === undefined) throw new GatewayError('not_found', `The console has no file ${name.slice(0, 64)}.`);
    void reply
      .type(TYPES[name] as string)
      .headers({ 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-cache' })
      .send(content);
  }
}
