const LAST_CHUNK = '0\r\n\r\n';

/** A piece of a body in chunks (RFC 9112 section 7.1): head, text and the frame of the end in one string, so that they leave in one write. */
export function frameChunk(text: string, bytes: number, isLast: boolean): string {
  const end = isLast ? LAST_CHUNK : '';
  return bytes === 0 ? end : `${bytes.toString(16)}\r\n${text}\r\n${end}`;
}

/** Every character that is not ASCII takes more bytes in UTF-8 than it has UTF-16 units. */
export function encodingOf(text: string, bytes: number): 'latin1' | 'utf8' {
  return bytes === text.length ? 'latin1' : 'utf8';
}
