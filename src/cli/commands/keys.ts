import { UsageError, findValue, requiredPositional, requiredValue, type Command, type CommandContext } from '../command.js';
import { cell, renderTable } from '../table.js';

interface Key {
  id: string;
  name: string;
  key?: string;
  project_id: string;
  status?: string;
  [field: string]: unknown;
}

export const keysCreate: Command = {
  name: 'keys create',
  summary: 'create a virtual key; it is shown this once',
  usage: ['og keys create --project ID --name NAME [--policy JSON] [--limits JSON] [--budget JSON] [--expires-at TIME]'],
  examples: ['og keys create --project default --name ci', `og keys create --project default --name demo --limits '{"rpm":60}'`],
  options: {
    project: { type: 'string', value: 'ID', describe: 'the project the key belongs to' },
    name: { type: 'string', value: 'NAME', describe: 'what it is for' },
    policy: { type: 'string', value: 'JSON', describe: 'what it may do' },
    limits: { type: 'string', value: 'JSON', describe: 'rpm, tpm, rpd, concurrency' },
    budget: { type: 'string', value: 'JSON', describe: 'amount_usd and period' },
    'expires-at': { type: 'string', value: 'TIME', describe: 'ISO 8601' },
  },
  async run(context) {
    const created = await context.client.send<Key>('POST', 'keys', {
      project_id: requiredValue(context, 'project'),
      name: requiredValue(context, 'name'),
      policy: findJson(context, 'policy'),
      limits: findJson(context, 'limits'),
      budget: findJson(context, 'budget'),
      expires_at: findValue(context, 'expires-at'),
    });
    context.print(context.json ? JSON.stringify(created, null, 2) : `${created.id}\n${created.key ?? ''}\nThe key is shown this once; keep it safe.`);
    return 0;
  },
};

export const keysList: Command = {
  name: 'keys list',
  summary: 'list virtual keys',
  usage: ['og keys list [--project ID]'],
  examples: ['og keys list --project default'],
  options: { project: { type: 'string', value: 'ID', describe: 'only keys of this project' } },
  async run(context) {
    const list = await context.client.get<{ data: Key[]; next_cursor: string | null }>('keys', { project_id: findValue(context, 'project') });
    const rows = list.data.map((key) => [key.id, key.name, key.project_id, cell(key['last4']), cell(key.status), cell(key['expires_at'])]);
    context.print(context.json ? JSON.stringify(list, null, 2) : renderTable(['ID', 'NAME', 'PROJECT', 'LAST4', 'STATUS', 'EXPIRES'], rows));
    return 0;
  },
};

export const keysRevoke: Command = {
  name: 'keys revoke',
  summary: 'revoke a virtual key, at once and for good',
  usage: ['og keys revoke ID --yes'],
  examples: ['og keys revoke key_01 --yes'],
  options: { yes: { type: 'boolean', describe: 'really do it' } },
  async run(context) {
    const id = requiredPositional(context, 0, 'the id of the key');
    if (context.values['yes'] !== true) throw new UsageError(`revoking ${id} cannot be undone; say --yes`);
    await context.client.send('DELETE', `keys/${encodeURIComponent(id)}`);
    context.print(context.json ? JSON.stringify({ id, revoked: true }) : `${id} is revoked.`);
    return 0;
  },
};

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'replace a virtual key; both work during the overlap',
  usage: ['og keys rotate ID [--overlap-seconds N]'],
  examples: ['og keys rotate key_01 --overlap-seconds 3600'],
  options: { 'overlap-seconds': { type: 'string', value: 'N', describe: 'how long the old key goes on working (default 0)' } },
  async run(context) {
    const id = requiredPositional(context, 0, 'the id of the key');
    const seconds = Number(findValue(context, 'overlap-seconds') ?? 0);
    const rotated = await context.client.send<Key>('POST', `keys/${encodeURIComponent(id)}/rotate`, { overlap_seconds: seconds });
    context.print(context.json ? JSON.stringify(rotated, null, 2) : `${rotated.id}\n${rotated.key ?? ''}\nThe key is shown this once; keep it safe.`);
    return 0;
  },
};

function findJson(context: CommandContext, name: string): unknown {
  const text = findValue(context, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`--${name} is not JSON: ${(error as Error).message}`);
  }
}
