import { Injectable, Logger } from '@nestjs/common';
import { deadlinesOf, SnapshotSource, type Deployment, type Model, type Snapshot } from '../core/catalog/model.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import { DeploymentHealth, modelClassOf, patienceOf, RejectedCredential, SeededRandom, TailWindow, type CallEffect, type CallFacts, type DeploymentHealthDetails, type HealthNews, type HealthView, type ObservedTails } from '../core/routing/index.js';
import { Clock } from '../platform/clock/index.js';
import { HealthStore, type CallOutcome, type DeploymentHealthReport } from './health.store.js';

/** How often a model without any closed circuit is probed all the same. */
export const PANIC_INTERVAL_MS = 10_000;
/** Classes are the operator's words; more than this many are not told apart. */
const MAX_CLASSES = 200;
const NEVER_HEARD: DeploymentHealthDetails = {
  circuit: 'closed',
  successRate: null,
  rateLimitedShare: 0,
  consecutiveFailures: 0,
  ttftP50Ms: null,
  ttftP95Ms: null,
  totalP50Ms: null,
  totalP95Ms: null,
  lastError: null,
  lastErrorAtMs: null,
};

/** Health in this process. Bounded by the configuration: what a new snapshot no longer has is forgotten. */
@Injectable()
export class MemoryHealthStore extends HealthStore {
  protected readonly logger = new Logger('Health');
  private readonly deployments = new Map<string, DeploymentHealth>();
  private readonly credentials = new Map<string, RejectedCredential>();
  private deploymentById: ReadonlyMap<string, Deployment> = new Map();
  private readonly classTails = new Map<string, TailWindow>();
  private readonly panicAtMs = new Map<string, number>();
  private readonly jitter: SeededRandom;
  private known: Snapshot | null = null;

  constructor(
    protected readonly clock: Clock,
    private readonly snapshots: SnapshotSource,
    /** Of the jitter of probes: replicas should differ, simulations repeat. */
    seed = process.pid,
  ) {
    super();
    this.jitter = new SeededRandom(seed);
  }

  override view(deployment: Deployment, nowMs = this.clock.nowMs()): HealthView | null {
    return isKept(deployment) ? this.healthOf(deployment).view(deployment.credential, nowMs) : null;
  }

  override report(deployment: Deployment, failure: UpstreamFailure | null, outcome: CallOutcome): void {
    this.record(deployment, failure, outcome);
  }

  /** What the call did to the circuit; null when this deployment's health is not kept. */
  protected record(deployment: Deployment, failure: UpstreamFailure | null, outcome: CallOutcome): CallEffect | null {
    if (!isKept(deployment) || failure?.simulated === true) return null;
    const nowMs = this.clock.nowMs();
    const effect = this.healthOf(deployment).record(deployment.credential, failure, factsOf(outcome, nowMs, this.jitter.next()));
    if (failure === null && outcome.canceled !== true) this.noteClass(outcome, nowMs);
    this.tell(deployment, effect, failure?.message);
    if (failure?.health === 'credential')
      this.logger.error({ message: `${deployment.provider.id} refuses the credential ${deployment.credential.id}`, status: failure.status });
    return effect;
  }

  /** What another replica saw; nothing when this one's configuration does not have the deployment. */
  protected absorb(deploymentId: string, news: HealthNews): void {
    this.forgetRemoved();
    const deployment = this.deploymentById.get(deploymentId);
    if (deployment === undefined || !isKept(deployment)) return;
    const { credential } = deployment;
    const effect = this.healthOf(deployment).absorb(news, { nowMs: this.clock.nowMs(), jitter: this.jitter.next(), credential });
    this.tell(deployment, effect, 'seen by another replica');
  }

  private tell({ id }: Deployment, effect: CallEffect, reason: string | undefined): void {
    if (effect === 'opened') this.logger.warn({ message: `The circuit of ${id} is open`, deployment: id, error: reason });
    if (effect === 'closed') this.logger.log({ message: `The circuit of ${id} is closed again`, deployment: id });
  }

  override tails(deployment: Deployment, modelClass: string): ObservedTails {
    if (!isKept(deployment)) return {};
    const nowMs = this.clock.nowMs();
    return this.healthOf(deployment).tails(nowMs, this.classTails.get(modelClass)?.tails(nowMs) ?? {});
  }

  override slowestUsualMs(deployment: Deployment): number | undefined {
    return isKept(deployment) ? this.healthOf(deployment).slowestUsualMs(this.clock.nowMs()) : undefined;
  }

  override claimCanary(deployment: Deployment): boolean {
    return isKept(deployment) && this.healthOf(deployment).claimCanary(this.clock.nowMs());
  }

  override claimPanic(modelId: string): boolean {
    const nowMs = this.clock.nowMs();
    if (nowMs < (this.panicAtMs.get(modelId) ?? 0)) return false;
    this.panicAtMs.set(modelId, nowMs + PANIC_INTERVAL_MS);
    return true;
  }

  override list(): DeploymentHealthReport[] {
    const nowMs = this.clock.nowMs();
    const reports: DeploymentHealthReport[] = [];
    for (const model of this.snapshots.current().models.values()) {
      for (const deployment of model.deployments) reports.push(this.reportOf(deployment, model, nowMs));
    }
    return reports;
  }

  private noteClass({ modelClass, firstByteMs, gapMs }: CallOutcome, nowMs: number): void {
    if (modelClass === undefined || (firstByteMs === undefined && gapMs === undefined)) return;
    let window = this.classTails.get(modelClass);
    if (window === undefined) {
      if (this.classTails.size >= MAX_CLASSES) return;
      this.classTails.set(modelClass, (window = new TailWindow()));
    }
    window.add({ firstByteMs, gapMs }, nowMs);
  }

  private reportOf(deployment: Deployment, model: Model, nowMs: number): DeploymentHealthReport {
    const kept = isKept(deployment);
    const known = this.deployments.get(deployment.id);
    const view = known?.view(deployment.credential, nowMs);
    return {
      provider: deployment.provider.id,
      model: model.id,
      upstreamModel: deployment.upstreamModel,
      deployment: deployment.id,
      credential: deployment.credential.id,
      zones: deployment.provider.zones,
      credentialState: view?.credentialExhausted === true ? 'exhausted' : (view?.credential ?? 'ok'),
      credentialUntilMs: view?.credentialUntilMs ?? null,
      patience: patienceOf(deadlinesOf(deployment), this.tails(deployment, modelClassOf(model))),
      kept,
      ...(known?.details(nowMs) ?? NEVER_HEARD),
    };
  }

  protected healthOf(deployment: Deployment): DeploymentHealth {
    this.forgetRemoved();
    let health = this.deployments.get(deployment.id);
    if (health === undefined) {
      health = new DeploymentHealth(this.credentialOf(deployment));
      this.deployments.set(deployment.id, health);
    }
    return health;
  }

  /** A refused key is refused for all models of its provider instance. */
  private credentialOf(deployment: Deployment): RejectedCredential {
    const id = `${deployment.provider.id}#${deployment.credential.id}`;
    let credential = this.credentials.get(id);
    if (credential === undefined) this.credentials.set(id, (credential = new RejectedCredential()));
    return credential;
  }

  private forgetRemoved(): void {
    const snapshot = this.snapshots.current();
    if (snapshot === this.known) return;
    this.known = snapshot;
    const deployments = [...snapshot.models.values()].flatMap((model) => model.deployments);
    const ids = (this.deploymentById = new Map(deployments.map((deployment) => [deployment.id, deployment])));
    const credentials = new Set(deployments.map(({ provider, credential }) => `${provider.id}#${credential.id}`));
    for (const id of this.deployments.keys()) if (!ids.has(id)) this.deployments.delete(id);
    for (const id of this.credentials.keys()) if (!credentials.has(id)) this.credentials.delete(id);
    for (const id of this.panicAtMs.keys()) if (!snapshot.models.has(id)) this.panicAtMs.delete(id);
  }
}

function factsOf({ canceled, outrun, firstByteMs, gapMs, ttftMs, totalMs, outputTokens }: CallOutcome, nowMs: number, jitter: number): CallFacts {
  return { nowMs, canceled, outrun, firstByteMs, gapMs, ttftMs, totalMs, outputTokens, jitter };
}

export function isKept({ provider }: Deployment): boolean {
  return provider.health && !provider.inProcess;
}
