import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';

describe('the console', () => {
  let gateway: GatewayProcess;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
  }, 60_000);

  afterAll(() => gateway.remove());

  it('serves its own files under a policy that allows nothing else', async () => {
    const page = await fetch(`${gateway.url}/console`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    for (const [, path] of html.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)) expect((await fetch(gateway.url + path)).status).toBe(200);
    expect((await fetch(`${gateway.url}/console/..%2f..%2fpackage.json`)).status).toBe(404);
  });

  const chromium = spawnSync('chromium', ['--version']).status === 0;
  (chromium ? it : it.skip)(
    'shows its sign-in in a real browser without asking any other host',
    () => {
      const profile = mkdtempSync(join(tmpdir(), 'og-chromium-'));
      const flags = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--user-data-dir=${profile}`,
      ];
      const { stdout } = spawnSync('chromium', [...flags, '--dump-dom', `${gateway.url}/console`], { encoding: 'utf8', timeout: 40_000 });
      rmSync(profile, { recursive: true, force: true });
      expect(stdout).toContain('Admin token');
      expect(stdout).toMatch(/<nav id="nav" hidden/);
    },
    60_000,
  );
});
