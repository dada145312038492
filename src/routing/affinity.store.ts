import { Injectable } from '@nestjs/common';
import type { Deployment } from '../core/catalog/model.js';
import { Clock } from '../platform/clock/index.js';

/** Where the catalogue does not know the model's cache: most live five minutes after their last use. */
const DEFAULT_LIFETIME_MS = 300_000;
const CAPACITY = 50_000;

/**
 * Which deployment served a session last. Only a hint: without it rendezvous hashing keeps sessions together by itself. An
 * injection token: in process by default, shared by another class behind it.
 */
export abstract class AffinityStore {
  /** Null when nothing is remembered or its cache has gone cold. */
  abstract find(key: string): string | null;
  /**
   * Only after a served request; a fallback moves the binding to who answered. `lifetimeMs`: what this answer's cache was
   * written for, when that is not the model's own.
   */
  abstract bind(key: string, deployment: Deployment, lifetimeMs?: number): void;
  /** The bound deployment failed. */
  abstract drop(key: string, deployment: Deployment): void;
}

export interface Binding {
  readonly deploymentId: string;
  readonly untilMs: number;
}

/** The least recently bound is forgotten first. */
@Injectable()
export class MemoryAffinityStore extends AffinityStore {
  private readonly bindings = new Map<string, Binding>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override find(key: string): string | null {
    return this.recall(key)?.deploymentId ?? null;
  }

  recall(key: string): Binding | null {
    const binding = this.bindings.get(key);
    if (binding === undefined) return null;
    if (this.clock.nowMs() < binding.untilMs) return binding;
    this.bindings.delete(key);
    return null;
  }

  /** What another replica remembers. */
  adopt(key: string, binding: Binding): void {
    this.bindings.delete(key);
    this.bindings.set(key, binding);
    this.forgetOldest();
  }

  override bind(key: string, deployment: Deployment, lifetimeMs = deployment.cache?.lifetimeMs ?? DEFAULT_LIFETIME_MS): void {
    const before = this.bindings.get(key);
    const untilMs = this.clock.nowMs() + lifetimeMs;
    this.bindings.delete(key);
    // An entry written for an hour stays warm although the answers that read it say nothing of the hour.
    const isWarm = before?.deploymentId === deployment.id && before.untilMs > untilMs;
    this.bindings.set(key, { deploymentId: deployment.id, untilMs: isWarm ? before.untilMs : untilMs });
    this.forgetOldest();
  }

  override drop(key: string, deployment: Deployment): void {
    if (this.bindings.get(key)?.deploymentId === deployment.id) this.bindings.delete(key);
  }

  private forgetOldest(): void {
    if (this.bindings.size <= CAPACITY) return;
    const oldest = this.bindings.keys().next().value;
    if (oldest !== undefined) this.bindings.delete(oldest);
  }
}
