import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

type Connector = buildConnector.connector;
type ConnectOptions = buildConnector.Options;
type ConnectCallback = buildConnector.Callback;

const TUNNEL_HEAD_LIMIT_BYTES = 16_384;
/** Longest that any attempt to connect may last; the deadline of each call is shorter and kept by the wheel. */
export const CONNECT_GUARD_MS = 60_000;

export interface ProxySettings {
  /** `HTTPS_PROXY`: how `https:` upstreams are reached; undefined = directly. */
  httpsProxy?: string;
  /** `NO_PROXY`: hosts reached directly (`*`, `host`, `.suffix`, `host:port`, comma-separated). */
  noProxy?: string;
  /** Certificates to trust besides the system's and `NODE_EXTRA_CA_CERTS` (which Node itself reads at start). */
  ca?: string | Buffer;
}

/**
 * Makes connections for one origin. HTTP/1.1 only: with HTTP/2 an abort closes a stream, not the socket, and one
 * connection's loss fails every call on it. TCP_NODELAY is undici's default, Happy Eyeballs is Node's.
 */
export function connectorFor(origin: string, settings: ProxySettings): Connector {
  const url = new URL(origin);
  const direct = buildConnector({ allowH2: false, timeout: CONNECT_GUARD_MS, keepAlive: true, ca: settings.ca });
  if (url.protocol !== 'https:' || settings.httpsProxy === undefined || settings.httpsProxy === '') return direct;
  if (bypassesProxy(url, settings.noProxy ?? '')) return direct;
  return tunnelThrough(new URL(settings.httpsProxy), direct, settings.ca);
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

function tunnelThrough(proxy: URL, secure: Connector, ca: string | Buffer | undefined): Connector {
  const toProxy = buildConnector({ allowH2: false, timeout: CONNECT_GUARD_MS, ca });
  const credentials = proxy.username === '' ? '' : `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = credentials === '' ? '' : `proxy-authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  return (options: ConnectOptions, callback: ConnectCallback) => {
    const target = `${options.hostname.includes(':') ? `[${options.hostname}]` : options.hostname}:${options.port || '443'}`;
    const hop = { hostname: proxy.hostname, host: proxy.host, protocol: proxy.protocol, port: proxy.port, servername: proxy.hostname };
    toProxy(hop, (error, socket) => {
      if (error !== null) return callback(error, null);
      openTunnel(socket, `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${authorization}\r\n`, (failure) => {
        if (failure === null) secure({ ...options, httpSocket: socket }, callback);
        else callback(failure, null);
      });
    });
  };
}

/** Sends CONNECT and waits for the proxy's 200. The errors carry no `UND_ERR_SOCKET` code: undici would redial for ever. */
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
