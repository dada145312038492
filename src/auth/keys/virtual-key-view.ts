import type { Budget, Limits, Policy } from '../../core/policy/index.js';

export interface VirtualKeyRow {
  id: string;
  project_id: string;
  organization_id: string;
  name: string;
  policy: Policy;
  limits: Limits;
  budget: Budget | null;
  last4: string;
  expires_at: Date | null;
  revoked_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** As the admin API shows it; the key itself is never in it. */
export interface VirtualKey {
  id: string;
  project_id: string;
  organization_id: string;
  name: string;
  status: 'active' | 'revoked' | 'expired';
  last4: string;
  policy: Policy;
  limits: Limits;
  budget: Budget | null;
  expires_at: string | null;
  revoked_at: string | null;
  created_at: string;
  updated_at: string;
}

/** The answer that shows the key, once. */
export interface IssuedKey extends VirtualKey {
  key: string;
}

export const VIRTUAL_KEY_COLUMNS = `k.id, k.project_id, p.organization_id, k.name, k.policy, k.limits, k.budget, k.last4,
  k.expires_at, k.revoked_at, k.created_at, k.updated_at`;

export function virtualKeyView(row: VirtualKeyRow, nowMs: number): VirtualKey {
  const isExpired = row.expires_at !== null && row.expires_at.getTime() <= nowMs;
  return {
    id: row.id,
    project_id: row.project_id,
    organization_id: row.organization_id,
    name: row.name,
    status: row.revoked_at !== null ? 'revoked' : isExpired ? 'expired' : 'active',
    last4: row.last4,
    policy: row.policy,
    limits: row.limits,
    budget: row.budget,
    expires_at: row.expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
