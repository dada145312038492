import { createHash, createHmac } from 'node:crypto';
import type { UpstreamRequest } from '../../core/upstream/upstream.js';

export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary keys. */
  sessionToken?: string;
}

/** Where and when a signature holds. */
export interface SigningScope {
  region: string;
  service: string;
  nowMs: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Of our headers these are signed; proxies may change others (`user-agent`, `accept`). */
const SIGNED = ['content-type'];

/**
 * AWS Signature Version 4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, read 2026-11-21):
 * the request with `authorization`, `x-amz-date` and, for temporary keys, `x-amz-security-token`.
 */
export function signAws(request: UpstreamRequest, keys: AwsKeys, scope: SigningScope): UpstreamRequest {
  const url = new URL(request.url);
  const time = new Date(scope.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const added: Record<string, string> = { 'x-amz-date': time, ...(keys.sessionToken !== undefined && { 'x-amz-security-token': keys.sessionToken }) };
  const kept = Object.entries(request.headers).filter(([name]) => SIGNED.includes(name));
  const signed = [['host', url.host] as const, ...kept, ...Object.entries(added)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    canonicalPath(url.pathname),
    canonicalQuery(url.searchParams),
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    names,
    sha256(request.body ?? ''),
  ].join('\n');
  const day = time.slice(0, 8);
  const place = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const signature = hmac(signingKey(keys.secretAccessKey, day, scope), [ALGORITHM, time, place, sha256(canonical)].join('\n')).toString('hex');
  const authorization = `${ALGORITHM} Credential=${keys.accessKeyId}/${place}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...request, headers: { ...request.headers, ...added, authorization }, headersRecur: false };
}

function signingKey(secret: string, day: string, { region, service }: SigningScope): Buffer {
  return [day, region, service, 'aws4_request'].reduce<Buffer>((key, text) => hmac(key, text), Buffer.from(`AWS4${secret}`));
}

/** Every segment once more escaped than it is sent, as all services but S3 want it. */
function canonicalPath(path: string): string {
  return path.split('/').map(escape).join('/');
}

function canonicalQuery(query: URLSearchParams): string {
  const pairs = [...query].map(([name, value]) => [escape(name), escape(value)] as const);
  return pairs
    .toSorted(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** RFC 3986: everything but letters, digits and `-._~`. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
