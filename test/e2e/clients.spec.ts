import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { COMMAND_LINE_CLIENTS, installClient } from '../support/command-line-clients.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';

const SDKS = ['openai', 'openai-responses', 'openai-operations', 'anthropic', 'ai-sdk', 'langchain'] as const;
const DEADLINE_MS = 60_000;
const AGENT_DEADLINE_MS = 150_000;

describe('published clients, unmodified, against the running gateway', () => {
  let gateway: GatewayProcess;
  let operator: Operator;
  let poorKey: string;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    operator = new Operator(gateway);
    const organization = await operator.post('organizations', { name: 'no credit' });
    const project = await operator.post('projects', { organization_id: organization['id'], name: 'poor' });
    poorKey = String((await operator.post('keys', { project_id: project['id'], name: 'poor' }))['key']);
  }, DEADLINE_MS);

  afterAll(() => gateway.remove());

  const run = (name: string, deadlineMs: number, env: Record<string, string> = {}) =>
    runScript(name, deadlineMs, { OG_URL: gateway.url, OG_API_KEY: gateway.bootstrap.demo_key ?? '', OG_POOR_KEY: poorKey, ...env });
  const WELL = { code: 0, output: expect.stringMatching(/^\d+ checks$/m) as string };

  it.each(SDKS)('%s', async (name) => expect(await run(name, DEADLINE_MS)).toEqual(WELL), DEADLINE_MS);

  for (const [name, client] of Object.entries(COMMAND_LINE_CLIENTS)) {
    const entry = installClient(client);
    (entry === null ? describe.skip : describe)(`${name} ${client.version}`, () => {
      it(
        'talks, runs a tool, and ends when it must',
        async () => expect(await run(name, AGENT_DEADLINE_MS, { OG_CLIENT_ENTRY: entry ?? '' })).toEqual(WELL),
        AGENT_DEADLINE_MS,
      );

      it('its calls stand in the log, with session and cost', async () => {
        const { data } = await operator.get('requests?limit=50');
        const calls = (data as Record<string, unknown>[]).filter((call) => call['session_id'] != null && call['model'] === 'sandbox/tools');
        expect(calls.length).toBeGreaterThanOrEqual(2);
        expect(calls.every((call) => Number(call['cost_usd']) > 0)).toBe(true);
      });
    });
  }
});

function runScript(name: string, deadlineMs: number, env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const child = spawn(process.execPath, [resolve(__dirname, `../clients/${name}.mjs`)], { env: { ...environment, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs - 5_000);
  return new Promise((settle) =>
    child.once('close', (code) => {
      clearTimeout(late);
      settle({ code, output: output.trim() });
    }),
  );
}
