/** Rows as PostgreSQL answers them; JSON columns hold whatever was written there. */
export interface LayerRow {
  id: string;
  policy: unknown;
  limits: unknown;
  budget: unknown;
  /** Tells an absent budget (null) from a JSON `null`, which nobody should have written. */
  budget_type: string | null;
  /** `updated_at` in microseconds since 1970: an older reading never replaces a newer one. */
  changed_us: number;
}

export interface OrganizationRow extends LayerRow {
  name: string;
}

export interface ProjectRow extends LayerRow {
  name: string;
  organization_id: string;
  zone: string | null;
  timezone: string;
  currency: string;
}

export interface SecretRow {
  /** 64 hex digits. */
  digest: string;
  ends_ms: number | null;
}

export interface KeyRow extends LayerRow {
  name: string;
  project_id: string;
  expires_at: Date | null;
  revoked_at: Date | null;
  secrets: SecretRow[];
}

const layerColumns = (table: string): string =>
  `${table}.id, ${table}.name, ${table}.policy, ${table}.limits, ${table}.budget, jsonb_typeof(${table}.budget) AS budget_type,
    (extract(epoch FROM ${table}.updated_at) * 1000000)::float8 AS changed_us`;

export const ORGANIZATION_COLUMNS = layerColumns('o');
export const PROJECT_COLUMNS = `${layerColumns('p')}, p.organization_id, p.zone, p.timezone, p.currency`;
export const KEY_COLUMNS = `${layerColumns('k')}, k.project_id, k.expires_at, k.revoked_at, (
  SELECT coalesce(json_agg(json_build_object('digest', encode(s.digest, 'hex'), 'ends_ms', floor(extract(epoch FROM s.ends_at) * 1000))), '[]')
  FROM virtual_key_secrets s WHERE s.key_id = k.id) AS secrets`;
