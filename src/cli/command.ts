import type { AdminClient } from './admin-client.js';

export interface Option {
  type: 'string' | 'boolean';
  short?: string;
  /** Shown in the help. */
  describe: string;
  /** Placeholder of the value in the help: `FILE`. */
  value?: string;
}

export interface CommandContext {
  client: AdminClient;
  /** Words after the command's name. */
  positionals: string[];
  values: Readonly<Record<string, string | boolean | undefined>>;
  json: boolean;
  print: (text: string) => void;
  environment: Readonly<Record<string, string | undefined>>;
}

/** One verb of `og`. `run` returns the exit code: 0 ok, 1 checks failed. Throws UsageError (2) and what the client throws (3, 4). */
export interface Command {
  name: string;
  summary: string;
  usage: string[];
  examples: string[];
  options: Readonly<Record<string, Option>>;
  run(context: CommandContext): Promise<number>;
}

/** The words of the call are off: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

export function requiredPositional(context: CommandContext, index: number, name: string): string {
  const word = context.positionals[index];
  if (word === undefined) throw new UsageError(`${name} is missing`);
  return word;
}

export function requiredValue(context: CommandContext, name: string): string {
  const value = context.values[name];
  if (typeof value !== 'string') throw new UsageError(`--${name} is missing`);
  return value;
}

export function findValue(context: CommandContext, name: string): string | undefined {
  const value = context.values[name];
  return typeof value === 'string' ? value : undefined;
}
