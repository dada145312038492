import { setTimeout as sleep } from 'node:timers/promises';

const CHECK_DEADLINE_MS = 1_000;

/** Whether one thing this process needs is there. Throwing or taking longer than a second counts as no. */
export type ReadinessCheck = () => boolean | Promise<boolean>;

export interface ReadinessReport {
  readonly ready: boolean;
  readonly draining: boolean;
  readonly checks: Readonly<Record<string, boolean>>;
}

/** What `GET /readyz` answers: modules register what they cannot serve without. An injectable class. */
export class Readiness {
  readonly #checks = new Map<string, { check: ReadinessCheck; required: boolean }>();
  #draining = false;
  #started = false;

  /** @param required false: reported, but the process can serve without it. */
  register(name: string, check: ReadinessCheck, required = true): void {
    this.#checks.set(name, { check, required });
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** The boot tasks are done and the listener is open. */
  started(): void {
    this.#started = true;
  }

  /** From now on 503, so that a load balancer sends its requests elsewhere. */
  drain(): void {
    this.#draining = true;
  }

  async report(): Promise<ReadinessReport> {
    const entries = [...this.#checks];
    const results = await Promise.all(entries.map(([, { check }]) => holds(check)));
    const missing = entries.some(([, { required }], index) => required && results[index] !== true);
    return {
      ready: this.#started && !this.#draining && !missing,
      draining: this.#draining,
      checks: Object.fromEntries(entries.map(([name], index) => [name, results[index] === true])),
    };
  }
}

/** The same answer on both listeners. */
export function renderReadiness({ ready, draining, checks }: ReadinessReport): { status: number; body: Record<string, unknown> } {
  const status = draining ? 'draining' : 'not_ready';
  return { status: ready ? 200 : 503, body: { status: ready ? 'ready' : status, checks } };
}

async function holds(check: ReadinessCheck): Promise<boolean> {
  const timer = new AbortController();
  try {
    const late = sleep(CHECK_DEADLINE_MS, false, { signal: timer.signal, ref: false }).catch(() => false);
    return await Promise.race([Promise.resolve(check()), late]);
  } catch {
    return false;
  } finally {
    timer.abort();
  }
}
