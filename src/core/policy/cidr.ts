/** An address as 16 bytes; IPv4 as `::ffff:a.b.c.d`, so that both spellings of one address are the same. */
type AddressBytes = Uint8Array;

const V4_OFFSET_BITS = 96;

export interface AddressRange {
  readonly text: string;
  readonly bytes: AddressBytes;
  readonly prefixBits: number;
}

/** `10.0.0.0/8`, `2001:db8::/32` or a single address; null when it is neither. Bits beyond the prefix are ignored. */
export function parseAddressRange(text: string): AddressRange | null {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const bytes = parseAddress(address);
  if (bytes === null) return null;
  const isV4 = !address.includes(':');
  const width = isV4 ? 32 : 128;
  const prefix = slash === -1 ? String(width) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > width) return null;
  return { text, bytes, prefixBits: Number(prefix) + (isV4 ? V4_OFFSET_BITS : 0) };
}

export function rangeContains(range: AddressRange, address: AddressBytes): boolean {
  const whole = range.prefixBits >> 3;
  for (let index = 0; index < whole; index += 1) {
    if (range.bytes[index] !== address[index]) return false;
  }
  const rest = range.prefixBits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((range.bytes[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

/** Null when the text is no address. A zone index (`%eth0`) is ignored. */
export function parseAddress(text: string): AddressBytes | null {
  const plain = text.includes('%') ? text.slice(0, text.indexOf('%')) : text;
  if (!plain.includes(':')) {
    const v4 = parseV4(plain);
    return v4 === null ? null : Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...v4]);
  }
  const groups = parseV6Groups(plain);
  return groups === null ? null : Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function parseV4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  // A leading zero is octal to some readers (0177.0.0.1): what is read in two ways is refused.
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return parts.map(Number);
}

function parseV6Groups(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0] ?? '');
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '') : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : null;
  return missing < 1 ? null : [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

function groupsOf(text: string): number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const v4 = last.includes('.') ? parseV4(last) : [];
  if (v4 === null) return null;
  const plain = v4.length === 0 ? parts : parts.slice(0, -1);
  if (!plain.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return null;
  return [...plain.map((part) => Number.parseInt(part, 16)), ...pairsOf(v4)];
}

function pairsOf(bytes: readonly number[]): number[] {
  return bytes.flatMap((byte, index) => (index % 2 === 0 ? [(byte << 8) | (bytes[index + 1] ?? 0)] : []));
}
