#!/usr/bin/env node
/** What no linter of code looks at: names, sizes and traces of one machine in every tracked file. Exit 1 and one line each. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';

const LARGEST_FILE_BYTES = 1_000_000;
const LONGEST_FILE_LINES = 300;
const VAGUE_NAMES = /(^|\/)(utils?|helpers?|common|misc)(\.[a-z.]+|\/)/;
const BINARY = /\.(png|jpe?g|gif|webp|ico|woff2?|gz|pdf|bin|wav|mp3)$/;
/** Written in pieces, so that this file does not find itself. */
const TEXT_RULES = [
  { name: 'a path of one machine', pattern: new RegExp(`(^|[^a-z])/(${['wo' + 'rk', 'fa' + 'rm'].join('|')})/|/home/[a-z]+/`) },
  { name: 'the address of a package registry', pattern: new RegExp(['registry' + '\\.(npmjs|yarnpkg|npmmirror)', '_auth' + 'Token'].join('|')) },
  { name: 'unfinished work', pattern: new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`), only: /\.(ts|tsx|mjs|cjs|sh|ya?ml)$/ },
  { name: 'a test left out or alone', pattern: new RegExp(`\\b(it|test|describe)\\.(${['on' + 'ly', 'to' + 'do'].join('|')}|${'sk' + 'ip'}(?=\\())`), only: /\.(ts|tsx)$/ },
  {
    // V8 puts a function literal that is assigned to a property straight into the old generation, and with it, until a full collection, whatever
    // the function can reach: of a request that is everything (docs/performance.md, 2026-11-30).
    name: 'a function as the initial value of a member; write a method, or assign a local constant',
    pattern: /^ {2}(?:(?:private|protected|public|readonly|override) )*#?\w+(?:: (?:[^=\n]|=>)+?)? = (?:async )?(?:\([^()\n]*\)|\w+)(?:: [^=\n]+)? =>/m,
    only: /^src\/(?!.*\.spec\.ts$).*\.ts$/,
  },
  { name: 'a merge left open', pattern: new RegExp(`^(${'<'.repeat(7)}|${'>'.repeat(7)}) `, 'm') },
];

const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8', maxBuffer: 64_000_000 }).split('\0').filter((path) => path !== '');
const faults = files.flatMap(faultsOf);
for (const fault of faults) console.error(fault);
console.log(`repository lint: ${files.length} files, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

function faultsOf(path) {
  const found = [];
  if (VAGUE_NAMES.test(path)) found.push(`${path}: a name that says nothing; call it what it does`);
  let size;
  try {
    size = statSync(path).size;
  } catch {
    return found;
  }
  if (size > LARGEST_FILE_BYTES) found.push(`${path}: ${size} bytes; keep large files out`);
  if (BINARY.test(path)) return found;
  const text = readFileSync(path, 'utf8');
  return [...found, ...lengthFault(path, text), ...TEXT_RULES.flatMap((rule) => textFault(path, text, rule))];
}

function lengthFault(path, text) {
  const counted = /^(src|scripts|bench|bin)\/.*\.(ts|mjs)$/.test(path) && !/\.spec\.ts$|generated/.test(basename(path));
  const lines = text.split('\n').length - 1;
  return counted && lines > LONGEST_FILE_LINES ? [`${path}: ${lines} lines; ${LONGEST_FILE_LINES} at most`] : [];
}

function textFault(path, text, { name, pattern, only }) {
  if (only !== undefined && !only.test(path)) return [];
  const match = pattern.exec(text);
  if (match === null) return [];
  const line = text.slice(0, match.index).split('\n').length;
  return [`${path}:${line}: ${name} (${match[0].trim()})`];
}
