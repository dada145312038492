import type { Caller, CallerLayer, LayerName } from '../../core/policy/index.js';
import { effectiveStore, effectiveStrictParams, isTimezone, parseBudget, parseLimits, parsePolicy } from '../../core/policy/index.js';
import { isCurrency } from '../../core/pricing/index.js';
import type { KeyRow, LayerRow, OrganizationRow, ProjectRow } from './rows.js';

/** A stored layer, read once; `fault` says why it cannot be, which closes it to its callers and to nobody else. */
export interface LayerRecord {
  readonly layer: CallerLayer;
  readonly fault: string | null;
  readonly changedUs: number;
}

export interface ProjectRecord extends LayerRecord {
  readonly organizationId: string;
  readonly timezone: string;
  readonly currency: string;
  readonly zone: string | undefined;
}

export interface KeyRecord extends LayerRecord {
  readonly name: string;
  readonly projectId: string;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

const ZONE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function organizationRecord(row: OrganizationRow): LayerRecord {
  return layerRecord('organization', row);
}

export function projectRecord(row: ProjectRow): ProjectRecord {
  const record = layerRecord('project', row);
  return {
    ...record,
    fault: record.fault ?? placeFault(row),
    organizationId: row.organization_id,
    timezone: row.timezone,
    currency: row.currency,
    zone: row.zone ?? undefined,
  };
}

export function keyRecord(row: KeyRow): KeyRecord {
  return {
    ...layerRecord('key', row),
    name: row.name,
    projectId: row.project_id,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    revokedAtMs: row.revoked_at?.getTime() ?? null,
  };
}

/** The layers must be without fault. */
export function callerOf(key: KeyRecord, project: ProjectRecord, organization: LayerRecord): Caller {
  const layers = Object.freeze([organization.layer, project.layer, key.layer]);
  return Object.freeze({
    keyId: key.layer.id,
    keyName: key.name,
    projectId: project.layer.id,
    organizationId: organization.layer.id,
    layers,
    store: effectiveStore(layers),
    strictParams: effectiveStrictParams(layers),
    timezone: project.timezone,
    currency: project.currency,
    zone: project.zone,
    expiresAtMs: key.expiresAtMs ?? undefined,
  });
}

/** What is a project's zone, timezone and currency, for rows and for the admin API alike; null when they can be used. */
export function placeFault(place: { zone: string | null; timezone: string; currency: string }): string | null {
  if (place.zone !== null && !ZONE.test(place.zone)) return 'zone';
  if (!isTimezone(place.timezone)) return 'timezone';
  return isCurrency(place.currency) ? null : 'currency';
}

function layerRecord(layer: LayerName, row: LayerRow): LayerRecord {
  try {
    const hasBudget = row.budget !== null || row.budget_type !== null;
    return {
      layer: Object.freeze({
        layer,
        id: row.id,
        policy: parsePolicy(row.policy),
        limits: parseLimits(row.limits),
        budget: hasBudget ? parseBudget(row.budget) : undefined,
      }),
      fault: null,
      changedUs: row.changed_us,
    };
  } catch (error) {
    return { layer: { layer, id: row.id, policy: {}, limits: {} }, fault: (error as Error).message, changedUs: row.changed_us };
  }
}
