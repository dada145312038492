import pg from 'pg';
import type { DatabaseSettings } from './settings.js';

const RECONNECT_MS = 500;
const CONNECT_DEADLINE_MS = 5_000;
/** A dead peer is otherwise noticed after hours: an idle LISTEN connection is asked now and then. */
const PROBE_INTERVAL_MS = 15_000;
const PROBE_DEADLINE_MS = 5_000;

type Heard = (payload: string | null) => void;

/** One connection of its own for LISTEN, made on first use and made again whenever it is lost. */
export class Listener {
  readonly #settings: DatabaseSettings;
  readonly #onError: (error: Error) => void;
  readonly #channels = new Map<string, Set<Heard>>();
  #client: pg.Client | null = null;
  #connecting: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(settings: DatabaseSettings, onError: (error: Error) => void) {
    this.#settings = settings;
    this.#onError = onError;
  }

  /** Resolves when the database listens, so that nothing sent afterwards is missed. */
  async listen(channel: string, heard: Heard): Promise<() => Promise<void>> {
    const known = this.#channels.get(channel);
    if (known !== undefined) {
      known.add(heard);
    } else {
      this.#channels.set(channel, new Set([heard]));
    }
    await this.#connected();
    if (known === undefined) await this.#client?.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    return () => this.#forget(channel, heard);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#connecting?.catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
    this.#client = null;
  }

  async #forget(channel: string, heard: Heard): Promise<void> {
    const set = this.#channels.get(channel);
    set?.delete(heard);
    if (set?.size !== 0) return;
    this.#channels.delete(channel);
    await this.#client?.query(`UNLISTEN ${pg.escapeIdentifier(channel)}`).catch(() => undefined);
  }

  #connected(): Promise<void> {
    if (this.#client !== null) return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = null));
    return this.#connecting;
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#settings.directUrl,
      connectionTimeoutMillis: CONNECT_DEADLINE_MS,
      keepAlive: true,
      application_name: `${this.#settings.applicationName} listen`,
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the LISTEN connection ended')));
    client.on('notification', ({ channel, payload }) => this.#tell(channel, payload ?? ''));
    await client.connect();
    for (const channel of this.#channels.keys()) await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    this.#client = client;
    this.#schedule(PROBE_INTERVAL_MS, () => this.#probe(client));
  }

  #lost(client: pg.Client, error: Error): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = null;
    this.#onError(error);
    void client.end().catch(() => undefined);
    this.#schedule(RECONNECT_MS, () => this.#reconnect());
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connected();
      for (const channel of this.#channels.keys()) this.#tell(channel, null);
    } catch (error) {
      this.#onError(error as Error);
      this.#schedule(RECONNECT_MS, () => this.#reconnect());
    }
  }

  async #probe(client: pg.Client): Promise<void> {
    const query: pg.QueryConfig & { query_timeout: number } = { text: 'SELECT 1', query_timeout: PROBE_DEADLINE_MS };
    try {
      await client.query(query);
      if (this.#client === client) this.#schedule(PROBE_INTERVAL_MS, () => this.#probe(client));
    } catch (error) {
      this.#lost(client, error as Error);
    }
  }

  #schedule(delayMs: number, work: () => Promise<void>): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void work(), delayMs);
    this.#timer.unref();
  }

  #tell(channel: string, payload: string | null): void {
    for (const heard of this.#channels.get(channel) ?? []) heard(payload);
  }
}
