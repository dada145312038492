import { readFile } from 'node:fs/promises';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { ConfigError } from '../../platform/config/index.js';
import type { Database } from '../../platform/database/index.js';
import { CONFIGURATION_CHANNEL } from './configuration.repository.js';
import type { ConfigurationObserver, ConfigurationService } from './configuration.service.js';

export interface FollowerParts {
  service: ConfigurationService;
  database: Database;
  observer: ConfigurationObserver;
  /** OG_CONFIG; null when unset. */
  file: string | null;
  pollMs: number;
}

/** Keeps this engine on the newest version within a few seconds: told by NOTIFY, polling besides; and applies OG_CONFIG when it changes. */
export class ConfigurationFollower {
  #timer: NodeJS.Timeout | null = null;
  #unlisten: (() => Promise<void>) | null = null;
  #stopped = false;
  /** The file's text as last applied or refused: a refused one is not tried again until it changes. */
  #seenText: string | null = null;
  #turning: Promise<void> | null = null;

  constructor(private readonly parts: FollowerParts) {}

  /** The first load. A file that cannot be applied stops the start. */
  async begin(): Promise<void> {
    await this.parts.service.start();
    if (this.parts.file !== null) await this.#applyFirst(this.parts.file);
    this.#schedule();
    await this.#listen();
  }

  async #applyFirst(file: string): Promise<void> {
    try {
      const text = await readFile(file, 'utf8');
      await this.parts.service.apply(text, { source: 'file' });
      this.#seenText = text;
    } catch (error) {
      const isOurs = (error as NodeJS.ErrnoException).syscall !== undefined || error instanceof GatewayError;
      throw isOurs ? new ConfigError(`OG_CONFIG: ${file}: ${(error as Error).message}`) : error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#turning;
    await this.#unlisten?.().catch(() => undefined);
  }

  async #listen(): Promise<void> {
    try {
      this.#unlisten = await this.parts.database.listen(CONFIGURATION_CHANNEL, () => void this.#follow());
    } catch {
      // Without LISTEN the poll finds every version, a little later; it is tried again with each turn.
      this.#unlisten = null;
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#turning = this.#turn().finally(() => this.#schedule());
    }, this.parts.pollMs);
    this.#timer.unref();
  }

  async #turn(): Promise<void> {
    if (this.#unlisten === null) await this.#listen();
    await this.#follow();
    await this.#applyFile();
  }

  async #follow(): Promise<void> {
    if (this.#stopped) return;
    await this.parts.service.follow().catch((error: Error) => this.parts.observer.failed('database', error));
  }

  async #applyFile(): Promise<void> {
    const { file, service, observer } = this.parts;
    if (file === null || this.#stopped) return;
    try {
      const text = await readFile(file, 'utf8');
      if (text === this.#seenText) return;
      // An editor or a mount may be half way through: an empty file is not a configuration.
      if (text.trim() === '') return;
      await service.apply(text, { source: 'file' });
      this.#seenText = text;
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'invalid_request') this.#seenText = await readFile(file, 'utf8').catch(() => null);
      observer.failed('file', error as Error);
    }
  }
}
