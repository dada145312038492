import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { SnapshotSource, Deployment } from '../core/catalog/model.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import { addSample, digestOf, MAX_NEWS, noNews, parseBulletin, renderBulletin, type CallEffect, type HealthNews } from '../core/routing/index.js';
import type { Clock } from '../platform/clock/index.js';
import { newId } from '../platform/ids/index.js';
import type { RedisConnection } from '../platform/redis/index.js';
import type { CallOutcome } from './health.store.js';
import { MemoryHealthStore } from './memory-health.store.js';

const EXCHANGE_MS = 1_000;
/** What decides about traffic does not wait for the next round. */
const URGENT_MS = 50;
/** Bulletins kept for replicas that start. */
const MAX_BULLETINS = 1_000;
const READ_COUNT = 500;
const KEPT_MS = 600_000;
/** A starting replica learns what happened lately. */
const LOOK_BACK_MS = 30_000;

export interface SharedHealthParts {
  readonly clock: Clock;
  readonly snapshots: SnapshotSource;
  readonly redis: RedisConnection;
  /** OG_ZONE: what a deployment is to one zone it need not be to another. */
  readonly zone: string;
}

/**
 * Health that the replicas of a zone tell each other through a stream in Redis. Every call is judged from memory; a round a
 * second tells what happened here and learns what happened elsewhere. A dead Redis changes nothing but how fresh that is.
 */
export class SharedHealthStore extends MemoryHealthStore implements OnModuleInit, OnModuleDestroy {
  private readonly redis: RedisConnection;
  private readonly key: string;
  private readonly engineId = newId('eng');
  private news = new Map<string, HealthNews>();
  private timer: NodeJS.Timeout | undefined;
  private urgent: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;
  private lastId: string | undefined;

  constructor({ clock, snapshots, redis, zone }: SharedHealthParts) {
    super(clock, snapshots);
    this.redis = redis;
    this.key = `og:health:${zone}`;
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.exchange(), EXCHANGE_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    clearTimeout(this.urgent);
  }

  override report(deployment: Deployment, failure: UpstreamFailure | null, outcome: CallOutcome): void {
    const effect = this.record(deployment, failure, outcome);
    if (effect === null || outcome.canceled === true) return;
    const news = this.newsOf(deployment.id);
    if (news === null) return;
    if (failure === null) noteSuccess(news, outcome);
    else this.noteFailure(news, deployment, failure);
    this.noteEffect(news, deployment, effect);
  }

  /** By itself once a second. Never rejects; what could not be told is forgotten, it would be stale. */
  exchange(): Promise<void> {
    this.running ??= this.round().finally(() => (this.running = null));
    return this.running;
  }

  private async round(): Promise<void> {
    const bulletin = this.news;
    if (bulletin.size > 0) this.news = new Map();
    const entries = await this.tellAndHear(bulletin.size > 0 ? renderBulletin(bulletin) : null).catch(() => []);
    for (const [id, fields] of entries) {
      this.lastId = id;
      const [, engineId, , text] = fields;
      if (engineId !== this.engineId && text !== undefined) for (const [deployment, news] of parseBulletin(text)) this.absorb(deployment, news);
    }
  }

  private async tellAndHear(text: string | null): Promise<[string, string[]][]> {
    return this.redis.run(async (redis) => {
      // By Redis' own clock, which made the ids: a clock of ours that is ahead would never hear anything.
      this.lastId ??= `${Number((await redis.time())[0]) * 1_000 - LOOK_BACK_MS}-0`;
      const pipeline = redis.pipeline();
      if (text !== null) {
        pipeline.xadd(this.key, 'MAXLEN', '~', MAX_BULLETINS, '*', 'engine', this.engineId, 'news', text);
        pipeline.pexpire(this.key, KEPT_MS);
      }
      pipeline.xrange(this.key, `(${this.lastId}`, '+', 'COUNT', READ_COUNT);
      const answers = (await pipeline.exec()) ?? [];
      const [error, entries] = answers.at(-1) ?? [null, []];
      if (error !== null) throw error;
      return entries as [string, string[]][];
    });
  }

  /** Null when there is too much to tell already. */
  private newsOf(id: string): HealthNews | null {
    let news = this.news.get(id);
    if (news === undefined) {
      if (this.news.size >= MAX_NEWS) return null;
      this.news.set(id, (news = noNews()));
    }
    return news;
  }

  private noteFailure(news: HealthNews, deployment: Deployment, failure: UpstreamFailure): void {
    if (failure.health === 'failure') news.failures += 1;
    if (failure.health === 'rate-limit') {
      news.rateLimited += 1;
      const { credentialUntilMs } = this.view(deployment) ?? {};
      if (credentialUntilMs !== undefined) news.pausedForMs = Math.max(0, credentialUntilMs - this.clock.nowMs());
    }
    if (failure.health !== 'credential') return;
    news.rejectedSecret = digestOf(deployment.credential);
    this.hurry();
  }

  private noteEffect(news: HealthNews, deployment: Deployment, effect: CallEffect): void {
    if (effect === 'none') return;
    delete news.opened;
    delete news.closed;
    if (effect === 'closed') news.closed = true;
    else news.opened = this.healthOf(deployment).circuitNews(this.clock.nowMs());
    this.hurry();
  }

  private hurry(): void {
    this.urgent ??= setTimeout(() => {
      this.urgent = undefined;
      void this.exchange();
    }, URGENT_MS).unref();
  }
}

function noteSuccess(news: HealthNews, { ttftMs, totalMs }: CallOutcome): void {
  news.successes += 1;
  addSample(news.ttftMs, ttftMs);
  addSample(news.totalMs, totalMs);
}
