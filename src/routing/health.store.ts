import type { Deployment } from '../core/catalog/model.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { DeploymentHealthDetails, HealthView, ObservedTails, Patience } from '../core/routing/index.js';

/** How one call to a deployment went. */
export interface CallOutcome {
  /** The client left before the end: says nothing about the provider. */
  canceled?: boolean;
  /** Stopped because another deployment, asked beside it, answered first. */
  outrun?: boolean;
  /** `class` of the model, or what stands for it. */
  modelClass?: string;
  /** Until the headers of a stream. */
  firstByteMs?: number;
  /** The longest pause of a stream from then on. */
  gapMs?: number;
  /** Time to the first token; undefined without a stream. */
  ttftMs?: number;
  totalMs: number;
  outputTokens?: number;
  /** What this answer wrote into the provider's prompt cache stays there for so long, where the answer says so. */
  cachedForMs?: number;
}

/** One line of `GET /admin/v1/providers/health`. */
export interface DeploymentHealthReport extends DeploymentHealthDetails {
  provider: string;
  model: string;
  upstreamModel: string;
  deployment: string;
  credential: string;
  zones: readonly string[];
  credentialState: HealthView['credential'] | 'exhausted';
  credentialUntilMs: number | null;
  /** How long it is waited for while another deployment is left, where that is shorter than configured. */
  patience: Patience | null;
  /** False: this provider's health is not kept (`health: off`, sandbox). */
  kept: boolean;
}

/**
 * What is known of each deployment's health, from live traffic. An injection token: in process by default; a store shared
 * through Redis is another class behind it. What `sandbox/*` answers and providers with `health: off` never touch it.
 */
export abstract class HealthStore {
  /** Null when this deployment's health is not kept. */
  abstract view(deployment: Deployment, nowMs?: number): HealthView | null;

  /** After every call. `failure` null: it was answered (or canceled). Never throws. */
  abstract report(deployment: Deployment, failure: UpstreamFailure | null, outcome: CallOutcome): void;

  /** How long answers of late took to begin and paused: this deployment's, else those of its model class. */
  abstract tails(deployment: Deployment, modelClass: string): ObservedTails;

  /** The 95th percentile of this deployment's whole answers; undefined when too few are known. */
  abstract slowestUsualMs(deployment: Deployment): number | undefined;

  /** Takes the one place that an open or half-open circuit has for a probe. */
  abstract claimCanary(deployment: Deployment): boolean;

  /** One probe per interval for a model whose every deployment is open. */
  abstract claimPanic(modelId: string): boolean;

  /** Every deployment of the configuration in force, heard of or not. */
  abstract list(): DeploymentHealthReport[];
}
