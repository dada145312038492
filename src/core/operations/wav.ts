const HEADER_BYTES = 44;
const MAX_CHUNKS = 64;

/** Seconds of a RIFF/WAVE file by its byte rate; null for anything else. A stream's size of 0xffffffff counts as all that is there. */
export function wavSeconds(sound: Uint8Array): number | null {
  const bytes = Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength);
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') return null;
  let byteRate = 0;
  let at = 12;
  for (let count = 0; count < MAX_CHUNKS && at + 8 <= bytes.length; count += 1) {
    const name = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    if (name === 'fmt ' && at + 20 <= bytes.length) byteRate = bytes.readUInt32LE(at + 16);
    if (name === 'data') return byteRate === 0 ? null : Math.min(size, bytes.length - at - 8) / byteRate;
    at += 8 + size + (size % 2);
  }
  return null;
}
