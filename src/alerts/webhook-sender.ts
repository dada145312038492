import { createHmac } from 'node:crypto';
import { lookup, type LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { AlertEvent } from './alert-event.js';
import { forbiddenReason } from './forbidden-address.js';
import type { DeliveryResult } from './outbox.js';

export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
  readonly allowPrivate: boolean;
}

const DEADLINE_MS = 10_000;

/**
 * One POST of one event. Signed as Standard Webhooks does (https://www.standardwebhooks.com, read 2026-11-29): HMAC-SHA-256 over
 * id, time and body. No redirect is followed, and the address that is connected to is the one that was checked: a name that
 * resolves to another address afterwards gains nothing.
 */
@Injectable()
export class WebhookSender {
  /** Never rejects. */
  send(target: WebhookTarget, event: AlertEvent, nowMs: number): Promise<DeliveryResult> {
    const body = JSON.stringify({ id: event.id, type: event.type, created_at: new Date(event.createdAtMs).toISOString(), organization_id: event.organizationId, data: event.data });
    const timestamp = String(Math.floor(nowMs / 1_000));
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': 'OpenGateway-Webhooks/1',
      'webhook-id': event.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signatureOf(target.secret, `${event.id}.${timestamp}.${body}`)}`,
    };
    return post(target, headers, body).then(
      (status) => (status >= 200 && status < 300 ? { ok: true, status, error: null } : { ok: false, status, error: `the receiver answered ${status}` }),
      (error: Error) => ({ ok: false, status: null, error: error.message }),
    );
  }
}

/** The secret is `whsec_` and base64, as receivers' libraries want it. */
export function signatureOf(secret: string, content: string): string {
  return createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).update(content).digest('base64');
}

function post({ url, allowPrivate }: WebhookTarget, headers: Record<string, string>, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const to = new URL(url);
    const host = to.hostname.replace(/^\[|\]$/g, '');
    const reason = isIP(host) === 0 ? null : forbiddenReason(host, allowPrivate);
    if (reason !== null) return reject(new Error(reason));
    const send = to.protocol === 'https:' ? httpsRequest : httpRequest;
    const call = send(to, { method: 'POST', headers, agent: false, lookup: checkedLookup(allowPrivate), signal: AbortSignal.timeout(DEADLINE_MS) });
    call.on('error', (error) => reject(error.name === 'TimeoutError' || error.name === 'AbortError' ? new Error(`no answer within ${DEADLINE_MS / 1_000} s`) : error));
    call.on('response', (response: IncomingMessage) => {
      // What a receiver says beyond its status is not read.
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    call.end(body);
  });
}

function checkedLookup(allowPrivate: boolean): LookupFunction {
  return (hostname, options, found) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const reason = error === null ? addresses.map(({ address }) => forbiddenReason(address, allowPrivate)).find((one) => one !== null) : undefined;
      const fault = error ?? (reason === undefined ? null : new Error(`${hostname}: ${reason}`));
      if (fault !== null) return found(fault, '', 0);
      const [first] = addresses;
      if (options.all === true) return found(null, addresses);
      return found(null, first?.address ?? '', first?.family);
    });
  };
}
