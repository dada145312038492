import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Process } from './process.js';
import type { World } from './world.js';

/**
 * Writes of a process whose journal fails are refused (a full disk) or cut short, with the real file system below. Call what it
 * returns to put the real one back.
 */
export function failJournalsOf(world: World): () => void {
  const real = fs.writeSync;
  const faulty = (fd: number, data: NodeJS.ArrayBufferView, offset = 0, length = data.byteLength): number => {
    const { current } = world;
    if (!(current instanceof Process) || current.journalFailsUntilMs <= world.nowMs) return real(fd, data, offset, length);
    if (world.chance(500)) return real(fd, data, offset, length >> 1);
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  Object.assign(fs, { writeSync: faulty });
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, { writeSync: real });
    syncBuiltinESMExports();
  };
}
