import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { ChainableCommander } from 'ioredis';
import type { Deployment } from '../core/catalog/model.js';
import type { Clock } from '../platform/clock/index.js';
import type { RedisConnection } from '../platform/redis/index.js';
import { AffinityStore, type Binding, type MemoryAffinityStore } from './affinity.store.js';

const ROUND_MS = 200;
/** Of each kind and round; more are left out, they are hints. */
const MAX_PER_ROUND = 1_000;
const MAX_TOLD = 50_000;

export interface SharedAffinityParts {
  readonly clock: Clock;
  readonly local: MemoryAffinityStore;
  readonly redis: RedisConnection;
  readonly zone: string;
}

/**
 * Bindings that the replicas of a zone share through Redis. A look-up is answered from memory, at once; what memory does not
 * know is asked for in the background, for the session's next request. Until then rendezvous hashing decides, alike everywhere.
 */
export class SharedAffinityStore extends AffinityStore implements OnModuleInit, OnModuleDestroy {
  private readonly parts: SharedAffinityParts;
  private readonly changed = new Set<string>();
  /** Bound here without knowing whether another replica had bound them before: whoever was first is right. */
  private readonly fresh = new Set<string>();
  private readonly wanted = new Set<string>();
  /** What Redis has from here, so that a session's every request is not another write. */
  private readonly told = new Map<string, Binding>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;

  constructor(parts: SharedAffinityParts) {
    super();
    this.parts = parts;
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.exchange(), ROUND_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  override find(key: string): string | null {
    const found = this.parts.local.find(key);
    if (found === null) add(this.wanted, key);
    return found;
  }

  override bind(...[key, ...rest]: Parameters<AffinityStore['bind']>): void {
    const isNew = this.parts.local.recall(key) === null && !this.changed.has(key);
    this.parts.local.bind(key, ...rest);
    if (isNew) add(this.fresh, key);
    else if (!this.fresh.has(key) && this.isWorthTelling(key)) this.note(key);
  }

  override drop(key: string, deployment: Deployment): void {
    this.parts.local.drop(key, deployment);
    this.note(key);
  }

  /** By itself five times a second. Never rejects. */
  exchange(): Promise<void> {
    if (this.changed.size + this.fresh.size + this.wanted.size === 0) return Promise.resolve();
    this.running ??= this.round()
      .catch(() => undefined)
      .finally(() => (this.running = null));
    return this.running;
  }

  private async round(): Promise<void> {
    const changed = taken(this.changed);
    const fresh = taken(this.fresh);
    const asked = [...new Set([...fresh, ...taken(this.wanted)])];
    await this.parts.redis.run(async (redis) => {
      const pipeline = redis.pipeline();
      for (const key of changed) this.tell(pipeline, key);
      for (const key of fresh) this.claim(pipeline, key);
      for (const key of asked) pipeline.get(this.nameOf(key)).pttl(this.nameOf(key));
      const answers = ((await pipeline.exec()) ?? []).slice(-asked.length * 2);
      for (const [index, key] of asked.entries()) this.hear(key, answers[index * 2]?.[1], answers[index * 2 + 1]?.[1]);
    });
  }

  private tell(pipeline: ChainableCommander, key: string): void {
    const binding = this.parts.local.recall(key);
    this.told.delete(key);
    if (binding === null) {
      pipeline.del(this.nameOf(key));
      return;
    }
    pipeline.set(this.nameOf(key), binding.deploymentId, 'PX', this.leftMs(binding));
    this.remember(key, binding);
  }

  private claim(pipeline: ChainableCommander, key: string): void {
    const binding = this.parts.local.recall(key);
    if (binding !== null) pipeline.set(this.nameOf(key), binding.deploymentId, 'PX', this.leftMs(binding), 'NX');
  }

  private hear(key: string, deploymentId: unknown, leftMs: unknown): void {
    if (typeof deploymentId !== 'string' || typeof leftMs !== 'number' || leftMs <= 0) return;
    // What was decided here while the question was on its way is newer.
    if (this.changed.has(key)) return;
    const binding = { deploymentId, untilMs: this.parts.clock.nowMs() + leftMs };
    if (this.parts.local.recall(key)?.deploymentId !== deploymentId) this.parts.local.adopt(key, binding);
    this.remember(key, binding);
  }

  private remember(key: string, binding: Binding): void {
    this.told.delete(key);
    this.told.set(key, binding);
    const oldest = this.told.size > MAX_TOLD ? this.told.keys().next().value : undefined;
    if (oldest !== undefined) this.told.delete(oldest);
  }

  private leftMs({ untilMs }: Binding): number {
    return Math.max(1, Math.ceil(untilMs - this.parts.clock.nowMs()));
  }

  /** Another deployment than the others know, or half of the lifetime they know has passed. */
  private isWorthTelling(key: string): boolean {
    const told = this.told.get(key);
    const binding = this.parts.local.recall(key);
    if (told === undefined || binding === null || told.deploymentId !== binding.deploymentId) return true;
    const nowMs = this.parts.clock.nowMs();
    return told.untilMs - nowMs < (binding.untilMs - nowMs) / 2;
  }

  private note(key: string): void {
    this.fresh.delete(key);
    this.wanted.delete(key);
    add(this.changed, key);
  }

  private nameOf(key: string): string {
    return `og:affinity:${this.parts.zone}:${key}`;
  }
}

function add(keys: Set<string>, key: string): void {
  if (keys.size < MAX_PER_ROUND) keys.add(key);
}

function taken(keys: Set<string>): string[] {
  const all = [...keys];
  keys.clear();
  return all;
}
