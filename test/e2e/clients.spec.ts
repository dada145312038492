import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';

const CLIENTS = ['openai', 'ai-sdk', 'anthropic', 'openai-operations'] as const;
const DEADLINE_MS = 60_000;

describe('published SDKs, unmodified, against the running gateway', () => {
  let gateway: GatewayProcess;
  let poorKey: string;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    const operator = new Operator(gateway);
    const organization = await operator.post('organizations', { name: 'no credit' });
    const project = await operator.post('projects', { organization_id: organization['id'], name: 'poor' });
    poorKey = String((await operator.post('keys', { project_id: project['id'], name: 'poor' }))['key']);
  }, DEADLINE_MS);

  afterAll(() => gateway.remove());

  it.each(CLIENTS)(
    '%s',
    async (name) => {
      const { code, output } = await run(name, { OG_URL: gateway.url, OG_API_KEY: gateway.bootstrap.demo_key ?? '', OG_POOR_KEY: poorKey });
      expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^\d+ checks$/m) });
    },
    DEADLINE_MS,
  );
});

function run(name: string, env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const child = spawn(process.execPath, [resolve(__dirname, `../clients/${name}.mjs`)], { env: { ...environment, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const late = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS - 5_000);
  return new Promise((settle) =>
    child.once('close', (code) => {
      clearTimeout(late);
      settle({ code, output: output.trim() });
    }),
  );
}
