import { parseArgs } from 'node:util';
import { AdminClient, RefusedError, UnreachableError, findTarget } from './admin-client.js';
import { UsageError, type Command, type CommandContext, type Option } from './command.js';
import { COMMANDS } from './commands/index.js';

const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', describe: 'print the answer as JSON' },
  help: { type: 'boolean', short: 'h', describe: 'print this help' },
};

const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, denied: 4 } as const;

/** Runs one `og` call and returns its exit code. */
export async function main(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const { command, rest } = findCommand(argv);
  if (command === null) return helpOrComplain(argv, print);
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: { ...optionsOf(command.options), ...optionsOf(COMMON) },
      allowPositionals: true,
      strict: true,
    });
    if (values['help'] === true) {
      print(renderHelp(command));
      return EXIT.ok;
    }
    return await command.run(contextOf({ positionals, values: values as Record<string, string | boolean>, print, environment }));
  } catch (error) {
    return complain(error, command);
  }
}

/** The gateway is looked for when a command asks for it: those that work on files need none. */
function contextOf(parts: Omit<CommandContext, 'client' | 'json'>): CommandContext {
  let client: AdminClient | undefined;
  return {
    ...parts,
    json: parts.values['json'] === true,
    get client() {
      return (client ??= new AdminClient(findTarget(parts.environment)));
    },
  };
}

/** Commands of two words (`ledger verify`) win over those of one. */
function findCommand(argv: readonly string[]): { command: Command | null; rest: string[] } {
  const two = COMMANDS.find((command) => command.name === argv.slice(0, 2).join(' '));
  if (two !== undefined) return { command: two, rest: argv.slice(2) };
  const one = COMMANDS.find((command) => command.name === argv[0]);
  return { command: one ?? null, rest: argv.slice(1) };
}

function optionsOf(options: Readonly<Record<string, Option>>): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  return Object.fromEntries(Object.entries(options).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]));
}

function helpOrComplain(argv: readonly string[], print: (text: string) => void): number {
  const asked = argv.length === 0 || argv[0] === '--help' || argv[0] === '-h' || argv[0] === 'help';
  if (!asked) process.stderr.write(`error: there is no command "${argv[0] ?? ''}" · see og --help\n`);
  if (asked) print(renderOverview());
  return asked ? EXIT.ok : EXIT.usage;
}

function renderOverview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const lines = COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return [
    'og: operate an OpenGateway from the command line',
    '',
    ...lines,
    '',
    'og COMMAND --help says more. The gateway is found by OG_URL and OG_ADMIN_TOKEN, else in OG_DATA_DIR/bootstrap.json.',
    'Exit codes: 0 ok · 1 a check failed or the gateway refused · 2 usage · 3 cannot connect · 4 denied',
  ].join('\n');
}

function renderHelp(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON }).map(([name, option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    return `  ${`${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`.padEnd(28)} ${option.describe}`;
  });
  return [
    command.summary,
    '',
    'Examples',
    ...command.examples.map((line) => `  ${line}`),
    '',
    'Usage',
    ...command.usage.map((line) => `  ${line}`),
    '',
    'Options',
    ...options,
  ].join('\n');
}

function complain(error: unknown, command: Command): number {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RefusedError) return complainOfRefusal(error);
  process.stderr.write(`error: ${message}\n`);
  if (error instanceof UnreachableError) return EXIT.unreachable;
  if (!isUsageFault(error)) return EXIT.failed;
  process.stderr.write(`see og ${command.name} --help\n`);
  return EXIT.usage;
}

function complainOfRefusal(error: RefusedError): number {
  process.stderr.write(`error: ${error.message}${error.param === null ? '' : ` · at ${error.param}`}\n`);
  return error.status === 401 || error.status === 403 ? EXIT.denied : EXIT.failed;
}

function isUsageFault(error: unknown): boolean {
  return error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}
