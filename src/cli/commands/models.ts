import { UsageError, type Command } from '../command.js';
import { cell, renderTable } from '../table.js';

interface ModelRow {
  id: string;
  owned_by: string;
  context_length: number | null;
  pricing: Record<string, string> | null;
}

export const models: Command = {
  name: 'models',
  summary: 'list the models the demo key (or OG_API_KEY) may call',
  usage: ['og models'],
  examples: ['og models', 'OG_API_KEY=sk-og-… og models --json'],
  options: {},
  async run(context) {
    const key = context.client.target.demoKey;
    if (key === null) throw new UsageError('there is no demo key; set OG_API_KEY');
    const answer = await context.client.fetch('/v1/models', { key });
    if (answer.status !== 200) throw new UsageError(`GET /v1/models answered ${answer.status}: ${answer.text.slice(0, 300)}`);
    if (context.json) context.print(answer.text);
    else context.print(render(JSON.parse(answer.text) as { data: ModelRow[] }));
    return 0;
  },
};

function render(list: { data: ModelRow[] }): string {
  const perMillion = (perToken: string | undefined): string => (perToken === undefined ? '-' : String(Number(perToken) * 1e6));
  const rows = list.data.map((model) => [
    model.id,
    model.owned_by,
    cell(model.context_length),
    perMillion(model.pricing?.['prompt']),
    perMillion(model.pricing?.['completion']),
  ]);
  return renderTable(['MODEL', 'OWNER', 'CONTEXT', 'USD/M IN', 'USD/M OUT'], rows);
}
