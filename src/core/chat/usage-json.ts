import { member, type JsonBytes, type Literal } from '../json/index.js';
import type { Usage } from './usage.js';

const INPUT = member('input');
const CACHE_READ = member('cache_read');
const CACHE_WRITE = member('cache_write');
const CACHE_WRITE_1H = member('cache_write_1h');
const OUTPUT = member('output');
const REASONING = member('reasoning');
const AUDIO_IN = member('audio_in');
const AUDIO_OUT = member('audio_out');
const IMAGE = member('image');

/** The classes that were used, by their public names, as members of the object that has been begun. */
export function writeUsedClasses(json: JsonBytes, usage: Usage): void {
  writeUsed(json, INPUT, usage.input);
  writeUsed(json, CACHE_READ, usage.cacheRead);
  writeUsed(json, CACHE_WRITE, usage.cacheWrite);
  writeUsed(json, CACHE_WRITE_1H, usage.cacheWrite1h);
  writeUsed(json, OUTPUT, usage.output);
  writeUsed(json, REASONING, usage.reasoning);
  writeUsed(json, AUDIO_IN, usage.audioIn);
  writeUsed(json, AUDIO_OUT, usage.audioOut);
  writeUsed(json, IMAGE, usage.image);
}

export function writeUsed(json: JsonBytes, name: Literal, count: number): void {
  if (count !== 0) json.number(name, count);
}
