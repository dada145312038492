export interface AllowDeny {
  allow?: string[];
  deny?: string[];
}

/** Which days and hours a key may call, in a timezone. */
export interface Schedule {
  timezone?: string;
  /** 0 = Sunday … 6 = Saturday; absent = every day. */
  days?: number[];
  /** `09:00`–`18:00`; an end before the start crosses midnight. */
  from?: string;
  to?: string;
}

/** CONTRACT section 4 `policy`, as written by an operator; what it does not name is allowed. */
export interface Policy {
  models?: AllowDeny;
  classes?: AllowDeny;
  providers?: AllowDeny;
  zones?: string[];
  /** USD per million tokens as decimal strings. */
  max_price?: { input?: string; output?: string };
  capabilities?: { reasoning?: boolean; vision?: boolean; images?: boolean; audio?: boolean; tools?: boolean };
  streaming?: boolean;
  max_output_tokens?: number;
  params?: 'lenient' | 'strict';
  store?: 'none' | 'metadata' | 'full';
  ips?: string[];
  schedule?: Schedule;
  fit_to_credit?: boolean;
  /** How far another model than the one asked for may be from it when a route falls back; `equivalent` when no layer names it. */
  substitution?: SubstitutionLevel;
}

export type SubstitutionLevel = 'none' | 'same-model' | 'equivalent' | 'degraded';

export interface Limits {
  rpm?: number;
  tpm?: number;
  rpd?: number;
  concurrency?: number;
}

export interface Budget {
  amount_usd: string;
  period: 'total' | 'day' | 'week' | 'month';
  /** Soft thresholds: reaching one tells, and refuses nothing. Whole per cent of the amount; default 80. */
  soft_percents?: number[];
}

export type LayerName = 'organization' | 'project' | 'key';

/** One layer of what a caller may do; layers only narrow. */
export interface CallerLayer {
  layer: LayerName;
  /** Id of the organization, project or key. */
  id: string;
  policy: Policy;
  limits: Limits;
  budget?: Budget;
}

/** The authenticated principal of a request. Immutable; shared by all requests of a key while its record does not change. */
export interface Caller {
  keyId: string;
  keyName: string;
  projectId: string;
  organizationId: string;
  /** From widest to narrowest: organization, project, key. */
  layers: readonly CallerLayer[];
  /** The effective answer of the layers. */
  store: 'none' | 'metadata' | 'full';
  strictParams: boolean;
  /** IANA name; of the project, else UTC. */
  timezone: string;
  currency: string;
  /** Zone of the project, when it is pinned. */
  zone?: string;
  expiresAtMs?: number;
}
