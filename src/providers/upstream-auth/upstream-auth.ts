import type { Credential } from '../../core/catalog/model.js';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest, UpstreamTransport } from '../../core/upstream/upstream.js';
import type { AuthScheme } from '../definitions/index.js';
import { assertOwnAddress, authorize, withHeader } from './authorize.js';
import { GoogleTokens } from './google-token.js';
import { signAws } from './sigv4.js';
import { WaitingCall } from './waiting-call.js';

/** Whose request it is and where it may go; `fields`: the credential's public fields with their defaults. */
export interface AuthTarget {
  scheme: AuthScheme;
  baseUrl: string;
  credential: Credential;
  fields: Readonly<Record<string, string | undefined>>;
}

/** Adds exactly one form of authentication, those included that need a clock or somebody else's token. */
export class UpstreamAuth {
  readonly #tokens: GoogleTokens;

  constructor(
    /** Through which tokens are fetched. */
    transport: UpstreamTransport,
    private readonly nowMs: () => number,
  ) {
    this.#tokens = new GoogleTokens(transport, nowMs);
  }

  /** The same transport for requests that have no authentication yet. Throws ForeignAddressError when one goes elsewhere. */
  over(transport: UpstreamTransport, target: AuthTarget): UpstreamTransport {
    const { scheme } = target;
    switch (scheme.kind) {
      case 'google':
        return { dispatch: (request, handler) => this.#google({ transport, request, handler }, scheme, target) };
      case 'aws':
        return { dispatch: (request, handler) => transport.dispatch(this.#aws(request, scheme.service, target), handler) };
      default:
        return { dispatch: (request, handler) => transport.dispatch(authorize(request, scheme, target), handler) };
    }
  }

  #aws(request: UpstreamRequest, service: string, target: AuthTarget): UpstreamRequest {
    const { key, access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = target.credential.secrets;
    if (key !== undefined || accessKeyId === undefined || secretAccessKey === undefined) return authorize(request, { kind: 'bearer' }, target);
    assertOwnAddress(request, target);
    const keys = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    return signAws(request, keys, { region: target.fields['region'] ?? 'us-east-1', service, nowMs: this.nowMs() });
  }

  #google({ transport, request, handler }: Dispatch, scheme: Extract<AuthScheme, { kind: 'google' }>, target: AuthTarget): UpstreamCall {
    const account = target.credential.secrets['service_account'];
    if (account === undefined) return transport.dispatch(authorize(request, { kind: 'header', name: scheme.name }, target), handler);
    assertOwnAddress(request, target);
    const send = (token: string) => transport.dispatch(withHeader(request, 'authorization', `Bearer ${token}`), handler);
    const token = this.#tokens.tokenFor(account, scheme.scope);
    return typeof token === 'string' ? send(token) : new WaitingCall(token, send, handler);
  }
}

interface Dispatch {
  transport: UpstreamTransport;
  request: UpstreamRequest;
  handler: UpstreamHandler;
}
