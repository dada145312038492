import { UsageError, findValue, type Command } from '../command.js';
import { cell, renderTable } from '../table.js';

interface Explained {
  candidates: { provider: string; model: string; zone?: string | null; place?: number | null; excluded?: string | null; reasons: string[] }[];
  strategy?: string;
  route?: string | null;
}

export const explain: Command = {
  name: 'explain',
  summary: 'say which deployments would serve a request, in which order and why; nothing is sent',
  usage: ['og explain -m MODEL [--key KEY_ID]', 'og explain --request REQUEST_ID'],
  examples: ['og explain -m sandbox/echo', 'og explain --request req_0ABC'],
  options: {
    model: { type: 'string', short: 'm', value: 'MODEL', describe: 'a request for this model' },
    key: { type: 'string', value: 'KEY_ID', describe: 'as this virtual key' },
    request: { type: 'string', value: 'REQUEST_ID', describe: 'what was decided for a logged request' },
  },
  async run(context) {
    const requestId = findValue(context, 'request');
    const explained = requestId === undefined ? await ask() : await context.client.get<Explained>(`requests/${encodeURIComponent(requestId)}`);
    context.print(context.json ? JSON.stringify(explained, null, 2) : render(explained));
    return 0;

    async function ask(): Promise<Explained> {
      const model = findValue(context, 'model');
      if (model === undefined) throw new UsageError('say --model or --request');
      const request = { model, messages: [{ role: 'user', content: 'Hello' }] };
      return context.client.send<Explained>('POST', 'routes/explain', { request, key_id: findValue(context, 'key') });
    }
  },
};

function render(explained: Explained): string {
  const ordered = [...explained.candidates].sort((a, b) => (a.place ?? Infinity) - (b.place ?? Infinity));
  const rows = ordered.map((candidate) => [
    candidate.place == null ? '✗' : `${candidate.place}.`,
    candidate.provider,
    candidate.model,
    cell(candidate.zone),
    candidate.excluded ?? '',
    candidate.reasons.join('; '),
  ]);
  const head = `route ${explained.route ?? '(none)'} · strategy ${explained.strategy ?? 'balanced'}`;
  return `${head}\n${renderTable(['', 'PROVIDER', 'MODEL', 'ZONE', 'EXCLUDED', 'WHY'], rows)}`;
}
