import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { findValue, requiredPositional, UsageError, type Command, type CommandContext } from '../command.js';
import { cell, renderTable } from '../table.js';

interface Problem {
  param: string;
  message: string;
}

interface Draft {
  id: string;
  state: string;
  note: string | null;
  route_count: number;
  base_version: number;
  published_version: number | null;
  created_at: string;
  routes?: unknown[];
  validation?: { ok: boolean; errors: Problem[]; warnings: Problem[] };
}

interface Changed {
  version: number;
  changes: { action: string; id: string; fields?: string[] }[];
}

const FILE = { type: 'string', short: 'f', value: 'FILE', describe: 'YAML or JSON: a list of routes, or a document with `routes:`; - reads standard input' } as const;
const NOTE = { type: 'string', value: 'TEXT', describe: 'what it is for' } as const;

export const routesList: Command = {
  name: 'routes list',
  summary: 'print the routes in force',
  usage: ['og routes list'],
  examples: ['og routes list > routes.yaml'],
  options: {},
  async run(context) {
    const { data, version } = await context.client.get<{ version: number; data: unknown[] }>('routes');
    print(context, { version, data }, () => stringify({ routes: data }).trimEnd());
    return 0;
  },
};

export const routesDraft: Command = {
  name: 'routes draft',
  summary: 'draft a list of routes, or change a draft; nothing is in force before it is published',
  usage: ['og routes draft [-f FILE] [--note TEXT]', 'og routes draft DRAFT_ID -f FILE'],
  examples: ['og routes draft -f routes.yaml --note "long prompts to the large model"', 'og routes draft rdf_0ABC -f routes.yaml'],
  options: { file: FILE, note: NOTE },
  async run(context) {
    const [id] = context.positionals;
    const file = findValue(context, 'file');
    const body = { routes: file === undefined ? undefined : readRoutes(file), note: findValue(context, 'note') };
    if (id !== undefined && file === undefined) throw new UsageError('--file is missing');
    const draft = id === undefined ? await context.client.send<Draft>('POST', 'routes/drafts', body) : await context.client.send<Draft>('PATCH', pathOf(id), body);
    return report(context, draft);
  },
};

export const routesDrafts: Command = {
  name: 'routes drafts',
  summary: 'list drafts of routes, newest first',
  usage: ['og routes drafts'],
  examples: ['og routes drafts'],
  options: {},
  async run(context) {
    const list = await context.client.get<{ data: Draft[] }>('routes/drafts');
    const rows = list.data.map((draft) => [draft.id, draft.state, cell(draft.route_count), cell(draft.base_version), cell(draft.published_version), draft.created_at, cell(draft.note)]);
    print(context, list, () => renderTable(['DRAFT', 'STATE', 'ROUTES', 'MADE FROM', 'PUBLISHED AS', 'CREATED', 'NOTE'], rows));
    return 0;
  },
};

export const routesValidate: Command = {
  name: 'routes validate',
  summary: 'say what is wrong or odd about a draft; exit code 1 when it cannot be published',
  usage: ['og routes validate DRAFT_ID'],
  examples: ['og routes validate rdf_0ABC'],
  options: {},
  async run(context) {
    return report(context, await context.client.get<Draft>(pathOf(requiredPositional(context, 0, 'the draft id'))));
  },
};

export const routesPublish: Command = {
  name: 'routes publish',
  summary: 'put a draft of routes in force',
  usage: ['og routes publish DRAFT_ID [--force]'],
  examples: ['og routes publish rdf_0ABC'],
  options: { force: { type: 'boolean', describe: 'although the routes have changed since the draft was made' } },
  async run(context) {
    const id = requiredPositional(context, 0, 'the draft id');
    return changed(context, await context.client.send<Changed>('POST', `${pathOf(id)}/publish`, { force: context.values['force'] === true }));
  },
};

export const routesDiscard: Command = {
  name: 'routes discard',
  summary: 'give a draft up',
  usage: ['og routes discard DRAFT_ID'],
  examples: ['og routes discard rdf_0ABC'],
  options: {},
  async run(context) {
    const draft = await context.client.send<Draft>('DELETE', pathOf(requiredPositional(context, 0, 'the draft id')));
    print(context, draft, () => `${draft.id} is ${draft.state}`);
    return 0;
  },
};

export const routesVersions: Command = {
  name: 'routes versions',
  summary: 'list the versions that changed routes, newest first',
  usage: ['og routes versions'],
  examples: ['og routes versions'],
  options: {},
  async run(context) {
    const list = await context.client.get<{ data: (Changed & { source: string; created_at: string })[] }>('routes/versions');
    const rows = list.data.map(({ version, source, created_at: at, changes }) => [cell(version), at, source, changes.map(({ action, id }) => `${action} ${id}`).join(', ')]);
    print(context, list, () => renderTable(['VERSION', 'WHEN', 'BY', 'WHAT'], rows));
    return 0;
  },
};

export const routesRollBack: Command = {
  name: 'routes rollback',
  summary: 'let the routes of an earlier version rule again; without a number, those before the last change',
  usage: ['og routes rollback [VERSION]'],
  examples: ['og routes rollback', 'og routes rollback 41'],
  options: {},
  async run(context) {
    const [version] = context.positionals;
    if (version !== undefined && !/^\d{1,15}$/.test(version)) throw new UsageError('VERSION is a number of `og routes versions`');
    return changed(context, await context.client.send<Changed>('POST', 'routes/rollback', version === undefined ? {} : { version: Number(version) }));
  },
};

export const routesResults: Command = {
  name: 'routes results',
  summary: 'say how the arms of a route’s experiment and its copies did, in the last seven days or since a time',
  usage: ['og routes results ROUTE [--from TIME] [--to TIME]'],
  examples: ['og routes results chat-default', 'og routes results chat-default --from 2026-11-29T00:00:00Z'],
  options: {
    from: { type: 'string', value: 'TIME', describe: 'received at or after' },
    to: { type: 'string', value: 'TIME', describe: 'received before' },
  },
  async run(context) {
    const query = { route: requiredPositional(context, 0, 'the route’s name'), from: findValue(context, 'from'), to: findValue(context, 'to') };
    const results = await context.client.get<{ arms: Record<string, unknown>[]; shadows: Record<string, unknown>[] }>('routes/results', query);
    const rowsOf = (kind: string, list: readonly Record<string, unknown>[]): string[][] => list.map((row) => [kind, ...FIGURES.map(([, field]) => cell(row[field]))]);
    const rows = [...rowsOf('arm', results.arms), ...rowsOf('shadow', results.shadows)];
    print(context, results, () => (rows.length === 0 ? 'Nothing yet.' : renderTable(['', ...FIGURES.map(([heading]) => heading)], rows)));
    return 0;
  },
};

const FIGURES: readonly (readonly [string, string])[] = [
  ['NAME', 'name'],
  ['REQUESTS', 'requests'],
  ['SUCCESS', 'success_rate'],
  ['TTFT P95 MS', 'ttft_p95_ms'],
  ['P95 MS', 'p95_ms'],
  ['CACHED', 'cached_token_rate'],
  ['CHARGED USD', 'charged_usd'],
  ['COST USD', 'provider_cost_usd'],
];

const pathOf = (id: string): string => `routes/drafts/${encodeURIComponent(id)}`;

function print(context: CommandContext, answer: unknown, words: () => string): void {
  context.print(context.json ? JSON.stringify(answer, null, 2) : words());
}

function report(context: CommandContext, draft: Draft): number {
  const { ok = true, errors = [], warnings = [] } = draft.validation ?? {};
  const lines = [
    `${draft.id} · ${draft.state} · ${draft.route_count} routes · made from version ${draft.base_version}`,
    ...errors.map(({ message }) => `error: ${message}`),
    ...warnings.map(({ message }) => `warning: ${message}`),
    ok ? `next: og explain -m MODEL --draft ${draft.id}, then og routes publish ${draft.id}` : 'it cannot be published like this',
  ];
  print(context, draft, () => lines.join('\n'));
  return ok ? 0 : 1;
}

function changed(context: CommandContext, answer: Changed): number {
  const rows = answer.changes.map(({ action, id, fields }) => [action, id, (fields ?? []).join(', ')]);
  print(context, answer, () => (rows.length === 0 ? 'Nothing changed.' : `version ${answer.version}\n${renderTable(['ACTION', 'ROUTE', 'FIELDS'], rows)}`));
  return 0;
}

function readRoutes(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  const value: unknown = parseYaml(text, file);
  return Array.isArray(value) ? value : ((value as { routes?: unknown } | null)?.routes ?? []);
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not YAML: ${(error as Error).message}`);
  }
}
