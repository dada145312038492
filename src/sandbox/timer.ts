/** The sandbox's time; core has none, so it comes in from outside. Tests bind a fake. */
export abstract class SandboxTimer {
  abstract nowMs(): number;
  /** Calls back once, never before this returns. The answer cancels. */
  abstract after(delayMs: number, work: () => void): () => void;
}

export class SystemSandboxTimer extends SandboxTimer {
  override nowMs(): number {
    return Date.now();
  }

  override after(delayMs: number, work: () => void): () => void {
    if (delayMs <= 0) {
      const immediate = setImmediate(work);
      return () => clearImmediate(immediate);
    }
    const timeout = setTimeout(work, delayMs);
    return () => clearTimeout(timeout);
  }
}
