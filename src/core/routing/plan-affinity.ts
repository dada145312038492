import type { Model, Route } from '../catalog/model.js';
import type { ChatRequest } from '../chat/request.js';
import type { Caller } from '../policy/caller.js';
import { affinityKeyOf, minPrefixChars, readsCacheCheaper, type AffinityKey } from './affinity-key.js';
import type { PlannedCandidate } from './candidate.js';

/** What of a plan's question a key may be made of. */
interface AffinityQuestion {
  readonly request: ChatRequest;
  readonly caller: Caller | null;
  readonly options: { readonly sessionId?: string };
  readonly recalled?: { readonly affinity?: AffinityKey };
}

/** What keeps this request with its like; worked out only when somebody asks, because a digest costs. */
export class PlanAffinity {
  private found: AffinityKey | null | undefined;

  constructor(
    private readonly question: AffinityQuestion,
    private readonly route: Route,
    private readonly model: Model,
  ) {}

  get value(): string | null {
    return this.key?.value ?? null;
  }

  /** Null, too, when nobody has asked. */
  get known(): AffinityKey | null {
    return this.found ?? null;
  }

  get key(): AffinityKey | null {
    return this.found === undefined ? (this.found = this.find()) : this.found;
  }

  /** A prefix nobody named is kept together only where a cache read is cheaper than reading the prompt again. */
  keyFor(candidates: readonly PlannedCandidate[]): string | null {
    if (candidates.length < 2) return null;
    const { key } = this;
    if (key === null) return null;
    return key.source !== 'prefix' || candidates.some(({ deployment }) => readsCacheCheaper(deployment)) ? key.value : null;
  }

  private find(): AffinityKey | null {
    const { request, caller, options, recalled } = this.question;
    const metadata = this.route.affinity;
    if (metadata === null) return null;
    if (recalled?.affinity !== undefined) return recalled.affinity;
    return affinityKeyOf(request, {
      organizationId: caller?.organizationId ?? '',
      sessionId: options.sessionId,
      metadata,
      minPrefixChars: minPrefixChars(this.model.deployments),
    });
  }
}
