import { findValue, requiredPositional, requiredValue, type Command } from '../command.js';
import { cell, renderTable } from '../table.js';

type Row = Record<string, unknown>;

export const webhooksCreate: Command = {
  name: 'webhooks create',
  summary: 'have alerts sent to an address; the secret is shown this once',
  usage: ['og webhooks create --url URL [--events budget.soft,budget.hard] [--allow-private]'],
  examples: ['og webhooks create --url https://ops.example.com/opengateway'],
  options: {
    url: { type: 'string', value: 'URL', describe: 'an https address' },
    events: { type: 'string', value: 'TYPE,…', describe: 'only these (default: all)' },
    'allow-private': { type: 'boolean', describe: 'it may be in your own network, plain http included' },
  },
  async run(context) {
    const created = await context.client.send('POST', 'webhooks', {
      url: requiredValue(context, 'url'),
      events: findValue(context, 'events')?.split(','),
      allow_private: context.values['allow-private'] === true,
    });
    context.print(context.json ? JSON.stringify(created, null, 2) : `${cell(created['id'])}\n${cell(created['secret'])}\nThe secret is shown this once; it checks webhook-signature.`);
    return 0;
  },
};

export const webhooksList: Command = {
  name: 'webhooks list',
  summary: 'list where alerts are sent',
  usage: ['og webhooks list'],
  examples: ['og webhooks list'],
  options: {},
  async run(context) {
    const { data } = await context.client.get<{ data: Row[] }>('webhooks');
    const rows = data.map((row) => [cell(row['id']), cell(row['url']), (row['events'] as string[]).join(','), cell(row['allow_private'])]);
    context.print(context.json ? JSON.stringify(data, null, 2) : renderTable(['ID', 'URL', 'EVENTS', 'PRIVATE'], rows));
    return 0;
  },
};

export const webhooksTest: Command = {
  name: 'webhooks test',
  summary: 'send a test event to a webhook; og alerts shows how it went',
  usage: ['og webhooks test ID'],
  examples: ['og webhooks test whk_01'],
  options: {},
  async run(context) {
    const sent = await context.client.send('POST', `webhooks/${encodeURIComponent(requiredPositional(context, 0, 'the id of the webhook'))}/test`);
    context.print(context.json ? JSON.stringify(sent, null, 2) : cell(sent['id']));
    return 0;
  },
};

export const webhooksRemove: Command = {
  name: 'webhooks remove',
  summary: 'send nothing more to an address',
  usage: ['og webhooks remove ID'],
  examples: ['og webhooks remove whk_01'],
  options: {},
  async run(context) {
    const removed = await context.client.send('DELETE', `webhooks/${encodeURIComponent(requiredPositional(context, 0, 'the id of the webhook'))}`);
    context.print(context.json ? JSON.stringify(removed, null, 2) : `${cell(removed['id'])} is removed`);
    return 0;
  },
};

export const alerts: Command = {
  name: 'alerts',
  summary: 'what operators were told: thresholds, exhausted credit, ledger drift',
  usage: ['og alerts [--cursor C]'],
  examples: ['og alerts'],
  options: { cursor: { type: 'string', value: 'C', describe: 'where the last page ended' } },
  async run(context) {
    const list = await context.client.get<{ data: Row[]; next_cursor: string | null }>('alerts', { cursor: findValue(context, 'cursor') });
    const rows = list.data.map((row) => [cell(row['created_at']), cell(row['type']), cell(row['organization_id']), subjectOf(row['data'] as Row), deliveriesOf(row['deliveries'] as Row[])]);
    context.print(context.json ? JSON.stringify(list, null, 2) : renderTable(['AT', 'TYPE', 'ORGANIZATION', 'WHAT', 'DELIVERIES'], rows));
    return 0;
  },
};

function subjectOf(data: Row): string {
  if (data['scope'] !== undefined) return `${cell(data['scope'])} ${cell(data['id'])}: ${cell(data['spent_usd'])} of ${cell(data['amount_usd'])} USD`;
  return Object.entries(data).map(([name, value]) => `${name} ${cell(value)}`).join(', ');
}

function deliveriesOf(deliveries: readonly Row[]): string {
  return deliveries.map((delivery) => `${cell(delivery['webhook_id'])} ${cell(delivery['state'])}`).join(', ') || '-';
}
