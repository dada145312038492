/** Bytes, timestamps (milliseconds) and uuids (hex) included; 64-bit integers as bigint. */
export type HeaderValue = string | number | boolean | bigint | Buffer;

interface Read {
  value: HeaderValue;
  next: number;
}

/** Type numbers of the format: how to read each. */
const READERS: readonly ((bytes: Buffer, at: number) => Read)[] = [
  (_, at) => ({ value: true, next: at }),
  (_, at) => ({ value: false, next: at }),
  (bytes, at) => ({ value: bytes.readInt8(at), next: at + 1 }),
  (bytes, at) => ({ value: bytes.readInt16BE(at), next: at + 2 }),
  (bytes, at) => ({ value: bytes.readInt32BE(at), next: at + 4 }),
  (bytes, at) => ({ value: bytes.readBigInt64BE(at), next: at + 8 }),
  (bytes, at) => sized(bytes, at, (value) => value),
  (bytes, at) => sized(bytes, at, (value) => value.toString('utf8')),
  (bytes, at) => ({ value: bytes.readBigInt64BE(at), next: at + 8 }),
  (bytes, at) => ({ value: slice(bytes, at, 16).toString('hex'), next: at + 16 }),
];

/** Null when the bytes are no headers. */
export function decodeHeaders(bytes: Buffer): Record<string, HeaderValue> | null {
  const headers: Record<string, HeaderValue> = {};
  try {
    for (let at = 0; at < bytes.length;) {
      const nameEnd = at + 1 + bytes.readUInt8(at);
      const name = slice(bytes, at + 1, nameEnd - at - 1).toString('utf8');
      const reader = READERS[bytes.readUInt8(nameEnd)];
      if (reader === undefined) return null;
      const { value, next } = reader(bytes, nameEnd + 1);
      headers[name] = value;
      at = next;
    }
    return headers;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function sized(bytes: Buffer, at: number, read: (value: Buffer) => HeaderValue): Read {
  const length = bytes.readUInt16BE(at);
  return { value: read(slice(bytes, at + 2, length)), next: at + 2 + length };
}

/** Throws RangeError beyond the end, as the number readers do. */
function slice(bytes: Buffer, at: number, length: number): Buffer {
  if (at + length > bytes.length) throw new RangeError('beyond the end');
  return bytes.subarray(at, at + length);
}
