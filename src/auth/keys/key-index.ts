import type { Caller } from '../../core/policy/index.js';
import { callerOf, type KeyRecord, type LayerRecord, type ProjectRecord } from './records.js';

/** What a presented secret leads to. One object per digest for its whole life, so that it may be remembered elsewhere. */
export interface SecretEntry {
  readonly digest: string;
  /** Null: deleted; ask again. */
  key: KeyRecord | null;
  /** A rotated secret works until then. */
  endsAtMs: number | null;
  caller: Caller | null;
  /** Of the index, when `caller` was composed. */
  generation: number;
}

/** Which stored layer of a caller cannot be read. */
export interface LayerFault {
  readonly layer: string;
  readonly id: string;
  readonly reason: string;
}

export type Composition = { readonly caller: Caller } | { readonly fault: LayerFault } | { readonly missing: true };

/** Everything known about keys, in memory. Bounded: beyond `maxSecrets` the oldest entry is dropped and looked up again when used. */
export class KeyIndex {
  readonly #maxSecrets: number;
  readonly #organizations = new Map<string, LayerRecord>();
  readonly #projects = new Map<string, ProjectRecord>();
  readonly #secrets = new Map<string, SecretEntry>();
  #generation = 0;

  constructor(maxSecrets: number) {
    this.#maxSecrets = maxSecrets;
  }

  get secretCount(): number {
    return this.#secrets.size;
  }

  find(digest: string): SecretEntry | null {
    return this.#secrets.get(digest) ?? null;
  }

  /** Any secret of the key; for an operator's questions, not for requests (it looks at every entry). */
  findByKeyId(keyId: string): SecretEntry | null {
    for (const entry of this.#secrets.values()) if (entry.key?.layer.id === keyId) return entry;
    return null;
  }

  putOrganization(record: LayerRecord): void {
    if (!isNews(record, this.#organizations.get(record.layer.id))) return;
    this.#organizations.set(record.layer.id, record);
    this.#generation += 1;
  }

  putProject(record: ProjectRecord): void {
    if (!isNews(record, this.#projects.get(record.layer.id))) return;
    this.#projects.set(record.layer.id, record);
    this.#generation += 1;
  }

  putKey(key: KeyRecord, secrets: readonly { digest: string; ends_ms: number | null }[]): void {
    for (const { digest, ends_ms: endsAtMs } of secrets) {
      const known = this.#secrets.get(digest);
      if (known === undefined) {
        this.#makeRoom();
        this.#secrets.set(digest, { digest, key, endsAtMs, caller: null, generation: 0 });
      } else if (isNews(key, known.key)) {
        Object.assign(known, { key, endsAtMs, caller: null });
      }
    }
  }

  /** After a full reading: what was not in it is gone. */
  retain(seen: { organizations: ReadonlySet<string>; projects: ReadonlySet<string>; digests: ReadonlySet<string> }): void {
    for (const id of this.#organizations.keys()) if (!seen.organizations.has(id)) this.#organizations.delete(id);
    for (const id of this.#projects.keys()) if (!seen.projects.has(id)) this.#projects.delete(id);
    for (const [digest, entry] of this.#secrets) if (!seen.digests.has(digest)) this.#drop(digest, entry);
    this.#generation += 1;
  }

  /** The caller of an entry, composed again only when one of its layers changed. */
  compose(entry: SecretEntry): Composition {
    if (entry.caller !== null && entry.generation === this.#generation) return { caller: entry.caller };
    const { key } = entry;
    const project = key === null ? undefined : this.#projects.get(key.projectId);
    const organization = project === undefined ? undefined : this.#organizations.get(project.organizationId);
    if (key === null || project === undefined || organization === undefined) return { missing: true };
    const fault = faultOf([organization, project, key]);
    if (fault !== null) return { fault };
    const caller = this.#unchanged(entry.caller, [organization, project, key]) ?? callerOf(key, project, organization);
    Object.assign(entry, { caller, generation: this.#generation });
    return { caller };
  }

  /** Another organization changed, not ours: the same object keeps its compiled policy. */
  #unchanged(caller: Caller | null, records: readonly LayerRecord[]): Caller | null {
    if (caller === null) return null;
    return records.every((record, index) => record.layer === caller.layers[index]) ? caller : null;
  }

  #makeRoom(): void {
    if (this.#secrets.size < this.#maxSecrets) return;
    const oldest = this.#secrets.entries().next().value;
    if (oldest !== undefined) this.#drop(...oldest);
  }

  #drop(digest: string, entry: SecretEntry): void {
    entry.key = null;
    entry.caller = null;
    this.#secrets.delete(digest);
  }
}

function faultOf(records: readonly LayerRecord[]): LayerFault | null {
  const faulty = records.find(({ fault }) => fault !== null);
  return faulty === undefined ? null : { layer: faulty.layer.layer, id: faulty.layer.id, reason: faulty.fault ?? '' };
}

/** Readings overlap, and a look-up may be slower than the reading that follows it. */
function isNews(record: LayerRecord, known: LayerRecord | null | undefined): boolean {
  return known === undefined || known === null || known.changedUs < record.changedUs;
}
