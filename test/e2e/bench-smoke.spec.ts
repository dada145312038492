import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const DEADLINE_MS = 180_000;
const hasCompiler = ['cc', 'gcc', 'clang'].some((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);

/** The harness itself, not speed: every scenario and subject for a moment. Nothing here depends on how fast this machine is. */
(hasCompiler ? describe : describe.skip)('the benchmark (needs a C compiler)', () => {
  it(
    'measures every subject, asks the upstream exactly once per request, and leaves the ledger clean',
    async () => {
      const { code, output, notes } = await run(['--smoke']);
      expect({ code, notes: notes.split('\n').filter((line) => line.includes('no result')) }).toEqual({ code: 0, notes: [] });
      for (const name of [
        'node:http + undici',
        'minimal Fastify',
        'minimal Nest',
        'OpenGateway',
        'OpenGateway, strict ledger',
        'OpenGateway, from Anthropic',
        'OpenGateway, from Gemini',
        'OpenGateway, one process on one core',
        'OpenGateway, one process on both cores',
        'OpenGateway, two workers on both cores',
      ]) {
        expect(output).toContain(`| ${name} | `);
      }
      expect(output).toMatch(/^- OpenGateway: ok, drift 0 nano-USD, 0 open holds, [1-9]\d* transactions$/m);
      expect(output).toMatch(/^- OpenGateway, strict ledger: ok, drift 0 nano-USD, 0 open holds, [1-9]\d* transactions$/m);
    },
    DEADLINE_MS,
  );

  it('says in one line what it does not understand', async () => {
    expect(await run(['--only', 'nothing'])).toMatchObject({ code: 1, notes: expect.stringMatching(/^bench: no scenario "nothing"; there are json-64, /) });
  });
});

function run(args: readonly string[]): Promise<{ code: number | null; output: string; notes: string }> {
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  spawnSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: ROOT, env });
  const child = spawn(process.execPath, ['bench/run.mjs', ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let notes = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (notes += chunk.toString('utf8')));
  const late = setTimeout(() => child.kill('SIGTERM'), DEADLINE_MS - 10_000);
  return new Promise((settle) =>
    child.once('close', (code) => {
      clearTimeout(late);
      settle({ code, output, notes });
    }),
  );
}
