import { validateSync } from 'class-validator';
import { nearestNames } from '../../core/text/index.js';
import { Config } from './config.js';
import { VARIABLES, type Variable } from './variables.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** One line per mistake: the variable's name and what is expected. Shown to a person without a stack. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** What Kubernetes injects for every service of a namespace; one called `og` would give OG_PORT=tcp://… and the like. */
const INJECTED_NAMES = /(_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const INJECTED_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** Reads, checks and completes the environment. An empty variable counts as unset. */
export function loadConfig(environment: Environment): Config {
  const given = withoutInjected(environment);
  const mistakes = unknownVariables(given);
  const config = new Config();
  for (const variable of VARIABLES) {
    if (variable.field === null) continue;
    const text = given[variable.name] ?? variable.fallback;
    Object.assign(config, { [variable.field]: text === null ? null : variable.read(text) });
  }
  if (given['OG_DEMO'] === undefined) config.demo = config.databaseUrl === null;
  mistakes.push(...invalidVariables(config, given));
  if (config.databaseDirectUrl !== null && config.databaseUrl === null) mistakes.push('DATABASE_DIRECT_URL: needs DATABASE_URL as well');
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
  return Object.freeze(Object.assign(config, { environment }));
}

function withoutInjected(environment: Environment): Environment {
  const kept = Object.entries(environment).filter(
    ([name, value]) => value !== undefined && value !== '' && !INJECTED_NAMES.test(name) && !(name.endsWith('_PORT') && INJECTED_ADDRESS.test(value)),
  );
  return Object.fromEntries(kept);
}

function unknownVariables(given: Environment): string[] {
  const known = VARIABLES.map((variable) => variable.name);
  return Object.keys(given)
    .filter((name) => name.startsWith('OG_') && !known.includes(name))
    .map((name) => {
      const [nearest] = nearestNames(name, known, 1);
      return `${name}: unknown variable${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
    });
}

function invalidVariables(config: Config, given: Environment): string[] {
  const invalid = new Set(validateSync(config, { forbidUnknownValues: false }).map((error) => error.property));
  return VARIABLES.filter((variable) => variable.field !== null && invalid.has(variable.field)).map((variable) => describe(variable, given[variable.name] ?? ''));
}

function describe(variable: Variable, text: string): string {
  const shown = variable.secret === true ? 'its value' : `"${text.slice(0, 80)}"`;
  return `${variable.name}: ${shown} is not valid; expected ${variable.expects}`;
}
