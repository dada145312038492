import { hash } from 'node:crypto';
import type { Credential } from '../catalog/model.js';

const REJECTED_MS = 300_000;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;

/** A credential that the provider refused (401, 402, 403, no money left): set aside, tried again every 5 min or once it is edited. */
export class RejectedCredential {
  private untilMs = 0;
  private secrets: Credential['secrets'] | null = null;
  private text = '';
  private isExhausted = false;

  /** It is a good key whose account has no money (402, `insufficient_quota`). */
  get exhausted(): boolean {
    return this.isExhausted;
  }

  reject(credential: Credential, nowMs: number, isExhausted = false): void {
    this.isExhausted = isExhausted;
    this.untilMs = nowMs + REJECTED_MS;
    this.secrets = credential.secrets;
    this.text = JSON.stringify(credential.secrets);
  }

  /** Another replica's credential was refused: ours, too, when it is the same secret. An edit here that it has not heard of yet stays in force. */
  adopt(credential: Credential, secretDigest: string, nowMs: number): void {
    if (this.rejectedUntilMs(credential, nowMs) === undefined && digestOf(credential) === secretDigest) this.reject(credential, nowMs);
  }

  clear(): void {
    this.untilMs = 0;
    this.secrets = null;
    this.text = '';
  }

  /** Undefined when it may be used. */
  rejectedUntilMs(credential: Credential, nowMs: number): number | undefined {
    if (this.secrets === null || nowMs >= this.untilMs) return undefined;
    if (credential.secrets !== this.secrets) {
      // A new configuration brings new objects; only other secrets are an edit.
      if (JSON.stringify(credential.secrets) !== this.text) {
        this.clear();
        return undefined;
      }
      this.secrets = credential.secrets;
    }
    return this.untilMs;
  }
}

/** Names a secret to other replicas without telling it: 60 bits of a one-way digest of key material. */
export function digestOf({ id, secrets }: Credential): string {
  return hash('sha256', `og-credential\u0000${id}\u0000${JSON.stringify(secrets)}`, 'base64url').slice(0, 10);
}

/** Set aside as long as the provider's `retry-after` says; without one 1 s, doubling to 60 s while the 429s last. */
export class RateLimitPause {
  private untilMs = 0;
  private nextMs = FIRST_WAIT_MS;

  limit(nowMs: number, retryAfterMs: number | undefined): void {
    if (retryAfterMs !== undefined) {
      this.untilMs = Math.max(this.untilMs, nowMs + retryAfterMs);
      return;
    }
    // Several answers to calls sent before the pause are one 429, not a series.
    if (nowMs < this.untilMs) return;
    this.untilMs = nowMs + this.nextMs;
    this.nextMs = Math.min(MAX_WAIT_MS, this.nextMs * 2);
  }

  succeed(nowMs: number): void {
    if (nowMs >= this.untilMs) this.nextMs = FIRST_WAIT_MS;
  }

  limitedUntilMs(nowMs: number): number | undefined {
    return nowMs < this.untilMs ? this.untilMs : undefined;
  }
}
