import type { Command, CommandContext } from '../command.js';

interface Check {
  name: string;
  result: 'ok' | 'warning' | 'error';
  detail: string;
}

const SIGNS = { ok: '✓', warning: '!', error: '✗' } as const;
const STREAM_DEADLINE_MS = 20_000;

export const doctor: Command = {
  name: 'doctor',
  summary: 'check a running gateway: health, database, token, ledger, prices, one real call, streaming',
  usage: ['og doctor'],
  examples: ['og doctor', 'og doctor --json'],
  options: {},
  async run(context) {
    const checks = [await alive(context), await ready(context), await ledger(context), await providers(context), await call(context), await stream(context)];
    if (context.json) context.print(JSON.stringify(checks, null, 2));
    else for (const check of checks) context.print(`${SIGNS[check.result]} ${check.name}: ${check.detail}`);
    if (checks.some((check) => check.result === 'error')) return 2;
    return checks.some((check) => check.result === 'warning') ? 1 : 0;
  },
};

async function alive({ client }: CommandContext): Promise<Check> {
  const answer = await client.fetch('/healthz');
  return check('alive', answer.status === 200, `${client.target.baseUrl} answers ${answer.status}`);
}

async function ready({ client }: CommandContext): Promise<Check> {
  const answer = await client.fetch('/readyz');
  return check('ready', answer.status === 200, answer.text.slice(0, 300));
}

async function ledger({ client }: CommandContext): Promise<Check> {
  const result = await client.get('ledger/verify');
  return check('ledger', result['ok'] === true, `drift ${String(result['drift_nano_usd'])} nano-USD, ${String(result['open_holds'])} open holds`);
}

async function providers({ client }: CommandContext): Promise<Check> {
  const list = await client.get<{ data: { provider: string; circuit: string }[] }>('providers/health');
  const open = list.data.filter((row) => row.circuit === 'open');
  if (open.length > 0) return { name: 'providers', result: 'warning', detail: `circuit open: ${[...new Set(open.map((row) => row.provider))].join(', ')}` };
  return check('providers', true, `${list.data.length} deployments, none with an open circuit`);
}

const BODY = { model: 'sandbox/echo', messages: [{ role: 'user', content: 'doctor' }] };

async function call({ client }: CommandContext): Promise<Check> {
  const key = client.target.demoKey;
  if (key === null) return { name: 'one call', result: 'warning', detail: 'no demo key; set OG_API_KEY to check a real call' };
  const answer = await client.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(BODY), key });
  return check('one call', answer.status === 200, `sandbox/echo answered ${answer.status}`);
}

/** A proxy that buffers event streams is found by the time between the first and the last byte. */
async function stream({ client }: CommandContext): Promise<Check> {
  const key = client.target.demoKey;
  if (key === null) return { name: 'streaming', result: 'warning', detail: 'no demo key; set OG_API_KEY to check streaming' };
  const answer = await fetch(`${client.target.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...BODY, model: 'sandbox/slow', stream: true, max_tokens: 8 }),
    signal: AbortSignal.timeout(STREAM_DEADLINE_MS),
  });
  let chunkCount = 0;
  let text = '';
  for await (const chunk of answer.body ?? []) {
    chunkCount += 1;
    text += Buffer.from(chunk as Uint8Array).toString('utf8');
  }
  const whole = text.trimEnd().endsWith('data: [DONE]');
  return check('streaming', whole && chunkCount > 1, `${chunkCount} pieces, ${whole ? 'ended with [DONE]' : 'did not end with [DONE]'}`);
}

function check(name: string, holds: boolean, detail: string): Check {
  return { name, result: holds ? 'ok' : 'error', detail };
}
