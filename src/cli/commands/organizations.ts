import { requiredValue, findValue, type Command } from '../command.js';
import { cell, renderTable } from '../table.js';

interface Row {
  id: string;
  name: string;
  [field: string]: unknown;
}

export const organizations: Command = {
  name: 'organizations',
  summary: 'list organizations, or create one with --create NAME',
  usage: ['og organizations', 'og organizations --create NAME'],
  examples: ['og organizations --create "Acme Korea"'],
  options: { create: { type: 'string', value: 'NAME', describe: 'create an organization of this name' } },
  async run(context) {
    const name = findValue(context, 'create');
    if (name !== undefined) {
      const created = await context.client.send<Row>('POST', 'organizations', { name });
      context.print(context.json ? JSON.stringify(created, null, 2) : created.id);
      return 0;
    }
    const list = await context.client.get<{ data: Row[] }>('organizations');
    context.print(
      context.json
        ? JSON.stringify(list, null, 2)
        : renderTable(
            ['ID', 'NAME'],
            list.data.map((row) => [row.id, row.name]),
          ),
    );
    return 0;
  },
};

export const projects: Command = {
  name: 'projects',
  summary: 'list projects, or create one with --create NAME --organization ID',
  usage: ['og projects', 'og projects --create NAME --organization ID [--timezone TZ] [--zone ZONE]'],
  examples: ['og projects --create chat --organization default --timezone Asia/Seoul'],
  options: {
    create: { type: 'string', value: 'NAME', describe: 'create a project of this name' },
    organization: { type: 'string', value: 'ID', describe: 'the organization it belongs to' },
    timezone: { type: 'string', value: 'TZ', describe: 'where its days begin, e.g. Asia/Seoul' },
    zone: { type: 'string', value: 'ZONE', describe: 'the only zone it may be served in' },
  },
  async run(context) {
    const name = findValue(context, 'create');
    if (name !== undefined) {
      const body = {
        organization_id: requiredValue(context, 'organization'),
        name,
        timezone: findValue(context, 'timezone'),
        zone: findValue(context, 'zone'),
      };
      const created = await context.client.send<Row>('POST', 'projects', body);
      context.print(context.json ? JSON.stringify(created, null, 2) : created.id);
      return 0;
    }
    const list = await context.client.get<{ data: Row[] }>('projects');
    const rows = list.data.map((row) => [row.id, cell(row['organization_id']), row.name, cell(row['zone']), cell(row['timezone'])]);
    context.print(context.json ? JSON.stringify(list, null, 2) : renderTable(['ID', 'ORGANIZATION', 'NAME', 'ZONE', 'TIMEZONE'], rows));
    return 0;
  },
};
