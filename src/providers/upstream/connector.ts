import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

const TUNNEL_HEAD_LIMIT_BYTES = 16_384;
const KEEP_ALIVE_PROBE_MS = 60_000;
/** Longest that any attempt to connect may last; the deadline of each call is shorter and kept by the wheel. */
const CONNECT_GUARD_MS = 60_000;

export interface ProxySettings {
  /** `HTTPS_PROXY`: how `https:` upstreams are reached; undefined = directly. */
  httpsProxy?: string;
  /** `NO_PROXY`: hosts reached directly (`*`, `host`, `.suffix`, `host:port`, comma-separated). */
  noProxy?: string;
  /** Certificates to trust besides the system's and `NODE_EXTRA_CA_CERTS` (which Node itself reads at start). */
  ca?: string | Buffer;
}

/** How a connection attempt goes on. Exactly one of `onOpen` and `onFailure` is called, once. */
export interface Dial {
  /** Where bytes go as they are read; a tunnel's socket cannot do that and emits `data` instead. */
  onread: OnReadOpts;
  onOpen(socket: Socket): void;
  onFailure(error: Error): void;
}

/** Begins to connect; destroying what is returned ends the attempt. */
export type Connector = (dial: Dial) => { destroy(error: Error): void };

interface Target {
  host: string;
  port: number;
}

/**
 * Makes connections for one origin. HTTP/1.1 only: with HTTP/2 an abort closes a stream, not the socket, and one
 * connection's loss fails every call on it. Happy Eyeballs is Node's; TLS sessions are resumed.
 */
export function connectorFor(origin: string, settings: ProxySettings): Connector {
  const url = new URL(origin);
  const isTls = url.protocol === 'https:';
  const target = targetOf(url);
  if (!isTls) return (dial) => settled(connectTcp({ ...tcpOptions(target), onread: dial.onread }), 'connect', dial);
  const secure = secureConnector(target, settings.ca);
  const { httpsProxy } = settings;
  if (httpsProxy === undefined || httpsProxy === '' || bypassesProxy(url, settings.noProxy ?? '')) return (dial) => secure(dial, null);
  return tunnelThrough(new URL(httpsProxy), target, { secure, ca: settings.ca });
}

function targetOf(url: URL): Target {
  const defaultPort = url.protocol === 'https:' ? 443 : 80;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? defaultPort : Number(url.port) };
}

function tcpOptions(target: Target): { host: string; port: number; noDelay: true; keepAlive: true; keepAliveInitialDelay: number } {
  return { ...target, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS };
}

type SecureConnector = (dial: Dial, tunnel: Socket | null) => TLSSocket;

function secureConnector(target: Target, ca: string | Buffer | undefined): SecureConnector {
  let session: Buffer | undefined;
  const servername = isIP(target.host) === 0 ? target.host : undefined;
  return (dial, tunnel) => {
    const way = tunnel === null ? { ...target, onread: dial.onread } : { socket: tunnel, host: target.host };
    const socket = connectTls({ ...way, servername, session, ca, ALPNProtocols: ['http/1.1'] });
    socket.on('session', (latest) => (session = latest));
    if (tunnel === null) socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    return settled(socket, 'secureConnect', dial);
  };
}

/** Tells the dial once how it ended. The socket keeps a listener for errors: what comes later is the connection's to hear, and never unheard. */
function settled<S extends Socket>(socket: S, opened: 'connect' | 'secureConnect', dial: Dial): S {
  let isSettled = false;
  const settle = (tell: () => void) => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(guard);
    tell();
  };
  const guard = setTimeout(() => socket.destroy(new Error('the connection could not be made in time')), CONNECT_GUARD_MS).unref();
  socket.once(opened, () => settle(() => dial.onOpen(socket)));
  socket.on('error', (error) => settle(() => dial.onFailure(error)));
  socket.once('close', () => settle(() => dial.onFailure(new Error('the connection was closed before it was made'))));
  return socket;
}

/** True when `NO_PROXY` names the host: exactly, as a suffix at a dot, or by `*`; an entry's port must match too. */
export function bypassesProxy(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? '443' : url.port;
  const words = noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((word) => word !== '');
  return words.map(readEntry).some((entry) => (entry.port ?? port) === port && names(entry.name, host));
}

/** `host`, `host:port`, `[v6]:port`, or a bare IPv6 address. */
function readEntry(word: string): { name: string; port: string | undefined } {
  const parts = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(word);
  return { name: (parts?.[1] ?? word).replace(/^\[|\]$/g, '').replace(/^\*?\./, ''), port: parts?.[2] };
}

function names(name: string, host: string): boolean {
  return name === '*' || host === name || host.endsWith(`.${name}`);
}

/** The attempt that is under way: the proxy's socket first, then the tunnel's. */
class TunnelAttempt {
  #socket: Socket | null = null;
  #ended: Error | null = null;

  follow(socket: Socket): void {
    this.#socket = socket;
    if (this.#ended !== null) socket.destroy(this.#ended);
  }

  destroy(error: Error): void {
    this.#ended = error;
    this.#socket?.destroy(error);
  }
}

function tunnelThrough(proxy: URL, { host, port }: Target, { secure, ca }: { secure: SecureConnector; ca: string | Buffer | undefined }): Connector {
  const credentials = proxy.username === '' ? '' : `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = credentials === '' ? '' : `proxy-authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const request = `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${authorization}\r\n`;
  const hop = targetOf(proxy);
  return (dial) => {
    const attempt = new TunnelAttempt();
    const onOpen = (socket: Socket) =>
      openTunnel(socket, request, (failure) => {
        if (failure === null) attempt.follow(secure(dial, socket));
        else dial.onFailure(failure);
      });
    const toProxy = { onOpen, onFailure: (error: Error) => dial.onFailure(error) };
    if (proxy.protocol === 'https:') {
      const servername = isIP(hop.host) === 0 ? hop.host : undefined;
      attempt.follow(settled(connectTls({ ...hop, servername, ca }), 'secureConnect', { ...dial, ...toProxy }));
    } else attempt.follow(settled(connectTcp(tcpOptions(hop)), 'connect', { ...dial, ...toProxy }));
    return attempt;
  };
}

/** Sends CONNECT and waits for the proxy's 200. */
function openTunnel(socket: Socket, head: string, done: (failure: Error | null) => void): void {
  let received = '';
  const finish = (failure: Error | null) => {
    clearTimeout(timer);
    socket.off('data', onData).off('error', onError).off('close', onClose);
    if (failure !== null) socket.on('error', () => undefined).destroy();
    done(failure);
  };
  const onError = () => finish(new Error('the proxy connection failed'));
  const onClose = () => finish(new Error('the proxy closed the connection'));
  const onData = (chunk: Buffer) => {
    received += chunk.toString('latin1');
    if (received.includes('\r\n\r\n')) {
      socket.pause();
      finish(/^HTTP\/1\.[01] 200/.test(received) ? null : new Error(`the proxy answered "${received.slice(9, 12)}" to CONNECT`));
    } else if (received.length > TUNNEL_HEAD_LIMIT_BYTES) {
      finish(new Error('the proxy answered with too long a head'));
    }
  };
  const timer = setTimeout(() => finish(new Error('the proxy did not answer CONNECT')), CONNECT_GUARD_MS);
  socket.on('data', onData).on('error', onError).on('close', onClose);
  socket.write(head);
}
