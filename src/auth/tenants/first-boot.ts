import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Boot, BOOT_ORDER } from '../../platform/boot/index.js';
import { Config } from '../../platform/config/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { generateToken, SecretError, Secrets } from '../../platform/secrets/index.js';
import { VirtualKeys } from '../keys/virtual-keys.js';
import { insertRow } from './tables.js';

export const DEFAULT_ORGANIZATION_ID = 'default';
export const DEFAULT_PROJECT_ID = 'default';
export const DEMO_KEY_ID = 'key_demo';

/** Any number that only this uses: replicas that start together must make one demo key, not two. */
const FIRST_BOOT_LOCK = 7_263_514_909;

/** What the first start of a database leaves in it (CONTRACT section 1), and the demo key shown again at every later one. */
@Injectable()
export class FirstBoot implements OnModuleInit {
  readonly #logger = new Logger('FirstBoot');

  @Inject(Config)
  readonly config!: Config;

  constructor(
    private readonly boot: Boot,
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly keys: VirtualKeys,
  ) {}

  onModuleInit(): void {
    this.boot.register({ name: 'default organization and project', order: BOOT_ORDER.foundation, run: () => this.createDefaults() });
    this.boot.register({ name: 'demo key', order: BOOT_ORDER.demo, run: () => this.publishDemoKey() });
  }

  async createDefaults(): Promise<void> {
    await this.database.query(`INSERT INTO organizations (id, name) VALUES ($1, 'Default') ON CONFLICT DO NOTHING`, [DEFAULT_ORGANIZATION_ID]);
    await this.database.query(`INSERT INTO projects (id, organization_id, name) VALUES ($1, $2, 'Default') ON CONFLICT DO NOTHING`, [
      DEFAULT_PROJECT_ID,
      DEFAULT_ORGANIZATION_ID,
    ]);
  }

  async publishDemoKey(): Promise<void> {
    this.boot.publishDemoKey(this.config.demo ? await this.#demoKey() : null);
  }

  /** Null when the operator revoked it: a start must not undo that. */
  #demoKey(): Promise<string | null> {
    return this.database.transaction(async (tables) => {
      await tables.query('SELECT pg_advisory_xact_lock($1)', [FIRST_BOOT_LOCK]);
      const known = await this.keys.find(DEMO_KEY_ID, tables);
      if (known === null) {
        const columns = { id: DEMO_KEY_ID, project_id: DEFAULT_PROJECT_ID, name: 'Demo', last4: '', policy: '{"store":"full"}' };
        await insertRow(tables, 'virtual_keys', columns);
      }
      if (known?.status === 'revoked') return null;
      return (await this.#openSealed(tables)) ?? this.#issue(tables);
    });
  }

  async #openSealed(tables: Queryable): Promise<string | null> {
    const found = await tables.query<{ sealed: string }>('SELECT sealed FROM demo_keys WHERE key_id = $1', [DEMO_KEY_ID]);
    const sealed = found.rows[0]?.sealed;
    if (sealed === undefined) return null;
    try {
      return this.secrets.open(sealed, DEMO_KEY_ID);
    } catch (error) {
      if (!(error instanceof SecretError)) throw error;
      // With another master key no stored digest matches any more either.
      this.#logger.warn('The demo key was sealed with another master key; a new one is made.');
      return null;
    }
  }

  async #issue(tables: Queryable): Promise<string> {
    const key = generateToken('sk-og');
    await tables.query('UPDATE virtual_keys SET last4 = $2 WHERE id = $1', [DEMO_KEY_ID, key.slice(-4)]);
    await this.keys.addSecret(tables, DEMO_KEY_ID, key);
    await tables.query('INSERT INTO demo_keys (key_id, sealed) VALUES ($1, $2) ON CONFLICT (key_id) DO UPDATE SET sealed = excluded.sealed', [
      DEMO_KEY_ID,
      this.secrets.seal(key, DEMO_KEY_ID),
    ]);
    return key;
  }
}
