import { BlockList, isIPv4 } from 'node:net';

/** Nobody's business, whatever the operator allows: this host as "any", link-local with the cloud's metadata, multicast, reserved. */
const NEVER = blockList([
  ['0.0.0.0', 8], ['169.254.0.0', 16], ['192.0.0.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
  ['::', 128], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8], ['64:ff9b::', 96], ['2002::', 16], ['fd00:ec2::', 32],
]);

/** Networks of the operator's own (RFC 1918, 4193, 6598, loopback, documentation and test nets). */
const PRIVATE = blockList([
  ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['198.18.0.0', 15], ['192.0.2.0', 24], ['198.51.100.0', 24], ['203.0.113.0', 24],
  ['::1', 128], ['fc00::', 7], ['2001:db8::', 32],
]);

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const MAPPED_HEX = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;

/** Why a webhook must not be sent to an address; null when it may. */
export function forbiddenReason(address: string, allowPrivate: boolean): string | null {
  const plain = unmapped(address);
  const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
  if (NEVER.check(plain, family)) return `${address} is link-local, multicast or reserved`;
  if (!allowPrivate && PRIVATE.check(plain, family)) return `${address} is a private address, which this webhook may not use (allow_private)`;
  return null;
}

/** `::ffff:10.0.0.1` is 10.0.0.1, in either spelling. */
function unmapped(address: string): string {
  const dotted = MAPPED.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const hex = MAPPED_HEX.exec(address);
  if (hex === null) return address;
  const [high, low] = [Number.parseInt(hex[1] ?? '0', 16), Number.parseInt(hex[2] ?? '0', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function blockList(ranges: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
  return list;
}
