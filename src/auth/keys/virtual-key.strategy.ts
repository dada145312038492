import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { IncomingMessage } from 'node:http';
import { Strategy } from 'passport-custom';
import type { Caller } from '../../core/policy/index.js';
import { KeyDirectory } from './key-directory.js';

export const VIRTUAL_KEY_STRATEGY = 'virtual-key';

/** Passport's door to `KeyDirectory.authenticate`. Reads headers only, so a bad key is 401 whatever its body. */
@Injectable()
export class VirtualKeyStrategy extends PassportStrategy(Strategy, VIRTUAL_KEY_STRATEGY) {
  constructor(private readonly directory: KeyDirectory) {
    super();
  }

  /** @param request Fastify's, or node's own */
  async validate(request: IncomingMessage | { raw: IncomingMessage }): Promise<Caller> {
    return this.directory.authenticate('raw' in request ? request.raw : request);
  }
}
