import { KeyDirectory, Organizations, VirtualKeys } from '../../src/auth/index.js';
import { register } from 'prom-client';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ADMIN_TOKEN, startAuthApp, type AuthApp } from './auth-harness.js';

describe('authentication over HTTP', () => {
  let fixture: TestDatabase;
  let running: AuthApp;

  beforeAll(async () => {
    fixture = await createTestDatabase();
    running = await startAuthApp(fixture.database, { demo: true });
  }, 60_000);
  afterAll(async () => {
    await running?.stop();
    await fixture?.drop();
  });

  const ask = async (path: string, headers: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await running.app.inject({ method: 'GET', url: path, headers });
    return { status: response.statusCode, body: response.json() as Record<string, unknown> };
  };

  it('serves the demo key that boot published', async () => {
    const demoKey = running.boot.demoKey ?? '';
    expect(await ask('/v1/probe', { authorization: `bearer ${demoKey} ` })).toEqual({ status: 200, body: { key_id: 'key_demo', store: 'full' } });
    expect(await ask('/v1/probe', { 'x-api-key': demoKey })).toMatchObject({ status: 200 });
    expect(await ask('/v1/probe', { 'api-key': demoKey })).toMatchObject({ status: 200 });
  });

  it('goes through Passport for a key that memory does not know yet', async () => {
    const directory = running.app.get(KeyDirectory);
    const refresh = jest.spyOn(directory, 'refresh').mockResolvedValue();
    const { key, id } = await running.app.get(VirtualKeys).create({ project_id: 'default', name: 'Elsewhere' });
    refresh.mockRestore();
    const byPassport = jest.spyOn(directory, 'authenticate');
    expect(await ask('/v1/probe', { authorization: `Bearer ${key}` })).toMatchObject({ status: 200, body: { key_id: id } });
    const calls = byPassport.mock.calls.length;
    expect(await ask('/v1/probe', { authorization: `Bearer ${key}` })).toMatchObject({ status: 200, body: { key_id: id } });
    byPassport.mockRestore();
    expect(calls).toBeLessThanOrEqual(1);
  });

  it('gives every failure its own code and counts it', async () => {
    const keys = running.app.get(VirtualKeys);
    const revoked = await keys.create({ project_id: 'default', name: 'Revoked' });
    await keys.revoke(revoked.id);
    const expired = await keys.create({ project_id: 'default', name: 'Expired', expires_at: '2020-01-01T00:00:00Z' });
    const typo = `${expired.key.slice(0, -1)}${expired.key.endsWith('a') ? 'b' : 'a'}`;
    expect(await ask('/v1/probe', {})).toMatchObject({ status: 401, body: { code: 'missing_api_key' } });
    expect(await ask('/v1/probe', { 'x-api-key': 'nonsense' })).toMatchObject({ status: 401, body: { code: 'invalid_api_key' } });
    expect(await ask('/v1/probe', { 'x-api-key': typo })).toMatchObject({ status: 401, body: { message: expect.stringContaining('typing error') } });
    expect(await ask('/v1/probe', { 'x-api-key': revoked.key })).toMatchObject({ status: 401, body: { code: 'revoked_api_key' } });
    expect(await ask('/v1/probe', { 'x-api-key': expired.key })).toMatchObject({ status: 401, body: { code: 'expired_api_key' } });
    const metrics = await register.metrics();
    for (const [reason, count] of [['missing', 1], ['malformed', 2], ['revoked', 1], ['expired', 1]]) {
      expect(metrics).toContain(`og_auth_failures_total{zone="local",reason="${reason}"} ${count}`);
    }
  });

  it('closes an organization whose policy cannot be read, with 503', async () => {
    const organizations = running.app.get(Organizations);
    await fixture.database.query(`UPDATE organizations SET policy = '{"modles":{}}' WHERE id = 'default'`);
    await running.app.get(KeyDirectory).refresh();
    expect(await ask('/v1/probe', { 'x-api-key': running.boot.demoKey ?? '' })).toMatchObject({ status: 503, body: { code: 'policy_invalid' } });
    await organizations.patch('default', { policy: {} });
    expect(await ask('/v1/probe', { 'x-api-key': running.boot.demoKey ?? '' })).toMatchObject({ status: 200 });
  });

  it('lets the operator in by the admin token alone', async () => {
    expect(await ask('/admin/probe', { authorization: `Bearer ${ADMIN_TOKEN}` })).toMatchObject({ status: 200 });
    expect(await ask('/admin/probe', {})).toMatchObject({ status: 401, body: { code: 'missing_api_key' } });
    for (const wrong of [running.boot.demoKey ?? '', `${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(0, -1), "' OR '1'='1"]) {
      expect(await ask('/admin/probe', { authorization: `Bearer ${wrong}` })).toMatchObject({ status: 401, body: { code: 'invalid_api_key' } });
    }
    expect(await ask('/admin/probe', { 'x-api-key': ADMIN_TOKEN })).toMatchObject({ status: 401 });
    expect(await ask('/v1/probe', { authorization: `Bearer ${ADMIN_TOKEN}` })).toMatchObject({ status: 401 });
  });
});
