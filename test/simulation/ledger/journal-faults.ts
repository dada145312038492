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
  const faulty = (fd: number, data: string | NodeJS.ArrayBufferView): number => {
    const { current } = world;
    if (!(current instanceof Process) || current.journalFailsUntilMs <= world.nowMs) return real(fd, data as NodeJS.ArrayBufferView);
    if (world.chance(500) && typeof data !== 'string') return real(fd, data, 0, data.byteLength >> 1);
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  Object.assign(fs, { writeSync: faulty });
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, { writeSync: real });
    syncBuiltinESMExports();
  };
}
