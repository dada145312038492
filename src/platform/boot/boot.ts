/** When a task runs: lower first, equal in the order of registration. */
export const BOOT_ORDER = {
  /** Rows that others refer to: the default organization and project. */
  foundation: 100,
  /** Providers, models and prices from the catalogue, the environment and OG_CONFIG. */
  configuration: 200,
  /** Journals of a previous run replayed, leases given back. */
  recovery: 300,
  /** Demo credit and key. */
  demo: 400,
  /** Last: snapshots loaded, caches warmed. */
  warmUp: 500,
} as const;

export interface BootTask {
  readonly name: string;
  readonly order: number;
  run(): Promise<void>;
}

/**
 * What must be done after the modules are made and the schema is up, and before the first request: modules register their
 * tasks in `onModuleInit`, main.ts runs them in order. A task that throws stops the start. An injectable class.
 */
export class Boot {
  readonly #tasks: BootTask[] = [];
  #demoKey: string | null;

  /** @param previousDemoKey what the last start's bootstrap.json showed: only a digest is stored, it cannot be shown from there */
  constructor(previousDemoKey: string | null = null) {
    this.#demoKey = previousDemoKey;
  }

  register(task: BootTask): void {
    this.#tasks.push(task);
  }

  /** The key that the banner's curl and bootstrap.json show; null withdraws the last start's. */
  publishDemoKey(key: string | null): void {
    this.#demoKey = key;
  }

  get demoKey(): string | null {
    return this.#demoKey;
  }

  async run(): Promise<void> {
    const ordered = [...this.#tasks].sort((a, b) => a.order - b.order);
    for (const task of ordered) {
      await task.run().catch((cause: unknown) => {
        throw new Error(`boot task "${task.name}" failed: ${(cause as Error).message}`, { cause });
      });
    }
  }
}
