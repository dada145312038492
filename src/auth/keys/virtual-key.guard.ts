import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { IncomingMessage } from 'node:http';
import type { Caller } from '../../core/policy/index.js';
import { KeyDirectory } from './key-directory.js';
import { VIRTUAL_KEY_STRATEGY } from './virtual-key.strategy.js';

/** What the guard leaves on a request. */
export interface AuthenticatedRequest {
  readonly raw: IncomingMessage;
  caller?: Caller;
  /** Monotonic: when authentication began. */
  receivedMs?: number;
}

/**
 * Sets `request.caller`, or throws the GatewayError that the client gets. A key that memory knows is judged right here:
 * Passport's machinery costs 21 µs a request (spec performance.md, 2026-11-21) and adds nothing to a lookup in a map. A key
 * that must be looked up goes the ordinary way, through Passport and VirtualKeyStrategy; the decision is the same function.
 */
@Injectable()
export class VirtualKeyGuard extends AuthGuard(VIRTUAL_KEY_STRATEGY) {
  constructor(private readonly directory: KeyDirectory) {
    super();
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    request.receivedMs ??= performance.now();
    const caller = this.directory.find(request.raw);
    if (caller === null) return super.canActivate(context) as Promise<boolean>;
    request.caller = caller;
    return true;
  }

  override getAuthenticateOptions(_context: ExecutionContext): { property: string; session: boolean } {
    return { property: 'caller', session: false };
  }
}
