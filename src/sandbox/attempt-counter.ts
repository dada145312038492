import { hash } from 'node:crypto';

const CAPACITY = 10_000;

/**
 * How often the very same request was sent. A second attempt of the gateway hands over the same bytes object; a body given as
 * text is told by its digest, of which the oldest are forgotten.
 */
export class AttemptCounter {
  private readonly byBody = new WeakMap<object, number>();
  private readonly byDigest = new Map<string, number>();

  next(body: Uint8Array | string | null): number {
    if (body !== null && typeof body === 'object') {
      const count = (this.byBody.get(body) ?? 0) + 1;
      this.byBody.set(body, count);
      return count;
    }
    return this.nextByDigest(hash('sha1', body ?? ''));
  }

  private nextByDigest(digest: string): number {
    const count = (this.byDigest.get(digest) ?? 0) + 1;
    this.byDigest.delete(digest);
    this.byDigest.set(digest, count);
    const oldest = this.byDigest.keys().next().value;
    if (this.byDigest.size > CAPACITY && oldest !== undefined) this.byDigest.delete(oldest);
    return count;
  }
}
