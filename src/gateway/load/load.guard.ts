import { Injectable, type CanActivate } from '@nestjs/common';
import { LoadGate } from './load-gate.js';

/** The first guard of inference: an overloaded engine says so before it looks at a key or reads a byte of the body. */
@Injectable()
export class LoadGuard implements CanActivate {
  constructor(private readonly gate: LoadGate) {}

  canActivate(): boolean {
    this.gate.refuseWhenFull();
    return true;
  }
}
