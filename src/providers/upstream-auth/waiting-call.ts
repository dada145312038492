import type { TransportFailure, UpstreamCall, UpstreamHandler } from '../../core/upstream/upstream.js';

/** The token server's answer, or what became of the call to it. */
export class TokenRefused extends Error {
  override name = 'TokenRefused';

  constructor(
    message: string,
    /** Stands for the provider's own status. */
    readonly status: number,
    readonly transport: TransportFailure | null = null,
  ) {
    super(message);
  }
}

const NO_TOKEN_STATUS = 500;

/**
 * A call that is sent when its token has come. Without a token the token server's answer stands for the provider's: to whoever asked it
 * is one door, and it is judged by the same rules. Never sent: never billed.
 */
export class WaitingCall implements UpstreamCall {
  #call: UpstreamCall | null = null;
  #waiting = true;
  #paused = false;

  constructor(
    token: Promise<string>,
    send: (token: string) => UpstreamCall,
    private readonly handler: UpstreamHandler,
  ) {
    token.then(
      (fetched) => this.#settle(() => this.#start(send, fetched)),
      (error: unknown) => this.#settle(() => this.#refuse(error)),
    );
  }

  abort(): void {
    if (!this.#waiting) return this.#call?.abort();
    this.#waiting = false;
    this.handler.onFailure({ kind: 'aborted', message: 'given up before it was sent', sent: false });
  }

  pause(): void {
    this.#paused = true;
    this.#call?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#call?.resume();
  }

  #settle(act: () => void): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    act();
  }

  #start(send: (token: string) => UpstreamCall, token: string): void {
    try {
      this.#call = send(token);
      if (this.#paused) this.#call.pause();
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    if (error instanceof TokenRefused && error.transport !== null) return this.handler.onFailure({ ...error.transport, sent: false });
    const status = error instanceof TokenRefused ? error.status : NO_TOKEN_STATUS;
    const message = error instanceof TokenRefused ? error.message : 'The request could not be authenticated.';
    this.handler.onHeaders({ status, headers: { 'content-type': 'application/json' } });
    this.handler.onData(Buffer.from(JSON.stringify({ error: { code: status, message } })));
    this.handler.onEnd();
  }
}
