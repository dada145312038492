import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SnapshotSource } from '../../src/core/catalog/model.js';
import { openaiChat } from '../../src/core/protocols/openai-chat/index.js';
import type { ChatResponse } from '../../src/core/chat/response.js';
import type { UpstreamFailure } from '../../src/core/errors/upstream-failure.js';
import { Boot } from '../../src/platform/boot/index.js';
import { Clock, SystemClock } from '../../src/platform/clock/index.js';
import { ProcessGroup, SoleProcess } from '../../src/platform/cluster/index.js';
import { Config, loadConfig } from '../../src/platform/config/index.js';
import { Database } from '../../src/platform/database/index.js';
import { Metrics } from '../../src/platform/metrics/index.js';
import { Secrets } from '../../src/platform/secrets/index.js';
import { ConfigurationService, ProviderAdapter, ProvidersModule } from '../../src/providers/index.js';
import { SandboxModule } from '../../src/sandbox/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let db: TestDatabase;

function platform(environment: Record<string, string>) {
  const boot = new Boot();
  const provide = [
    { provide: Config, useValue: loadConfig(environment) },
    { provide: Database, useValue: db.database },
    { provide: Secrets, useValue: new Secrets('ab'.repeat(32)) },
    { provide: Boot, useValue: boot },
    { provide: Clock, useClass: SystemClock },
    { provide: ProcessGroup, useClass: SoleProcess },
    Metrics,
  ];
  @Global()
  @Module({ providers: provide, exports: provide })
  class FakePlatform {}
  return { FakePlatform, boot };
}

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

it('boots, serves the sandbox through the adapter, registers providers of the environment, applies documents', async () => {
  const { FakePlatform, boot } = platform({ GROQ_API_KEY: 'gsk_test', OPENAI_API_KEY: '' });
  const app = await Test.createTestingModule({ imports: [FakePlatform, ProvidersModule.register({ imports: [SandboxModule] })] }).compile();
  await app.init();
  await boot.run();
  const snapshots = app.get(SnapshotSource);
  expect([...snapshots.current().providers.keys()]).toEqual(['groq', 'sandbox']);
  expect(snapshots.current().models.has('groq/llama-3.3-70b-versatile')).toBe(true);
  expect(snapshots.current().models.has('openai/gpt-5')).toBe(false);

  const ask = (name: string, stream: boolean) =>
    new Promise<ChatResponse | UpstreamFailure | string>((resolve) => {
      const deployment = snapshots.current().models.get(name)?.deployments[0];
      if (deployment === undefined) return resolve('not served');
      const request = openaiChat.parseRequest({ model: name, messages: [{ role: 'user', content: 'Hello there' }], stream });
      const adapter = app.get(ProviderAdapter);
      let text = '';
      adapter.call(adapter.prepare({ deployment, request, clientProtocol: 'openai-chat' }), {
        onItem: (item) => item.events.forEach((event) => (text += event.type === 'text-delta' ? event.text : '')),
        onResponse: resolve,
        onEnd: () => resolve(text),
        onFailure: resolve,
      });
    });
  expect(await ask('sandbox/echo', false)).toMatchObject({ choices: [{ parts: [{ type: 'text', text: 'Hello there' }], finish: 'stop' }] });
  expect(await ask('sandbox/echo', true)).toBe('Hello there');
  expect(await ask('sandbox/error-429', false)).toMatchObject({ code: 'upstream_rate_limited', simulated: true });
  expect(await ask('sandbox/stream-cut', true)).toMatchObject({ code: 'upstream_interrupted' });

  const { changes } = await app.get(ConfigurationService).apply('version: 1\nproviders: [{id: groq, type: groq, credentials: [{id: main, key: gsk_other}]}]');
  expect(changes).toEqual([{ action: 'create', kind: 'provider', id: 'groq' }]);
  expect(snapshots.current().providers.get('groq')?.credentials[0]?.id).toBe('main');
  const metrics = await app.get(Metrics).text();
  expect(metrics).toContain('og_config_last_reload_successful 1');
  expect(metrics).toMatch(/og_config_info\{hash="[0-9a-f]{16}",version="1",source="api"\} 1/);
  await app.close();
});
