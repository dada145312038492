import { resolve } from 'node:path';
import { ConfigError, loadConfig, parseDurationMs, parseSizeBytes } from './index.js';

function mistakesOf(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.split('\n');
  }
}

describe('loadConfig', () => {
  it('has the defaults of the contract', () => {
    expect(loadConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      metricsPort: null,
      roles: ['engine', 'backoffice', 'worker'],
      zone: 'local',
      dataDirectory: resolve('.data'),
      databaseUrl: null,
      redisUrl: null,
      demo: true,
      workerCount: 1,
      drainTimeoutMs: 120_000,
      bodyLimitBytes: 33_554_432,
      trustedProxies: [],
    });
  });

  it('makes no demo with a database of the operator’s, unless asked', () => {
    const DATABASE_URL = 'postgresql://og@db/og';
    expect(loadConfig({ DATABASE_URL }).demo).toBe(false);
    expect(loadConfig({ DATABASE_URL, OG_DEMO: 'true' }).demo).toBe(true);
    expect(loadConfig({ OG_DEMO: '0' }).demo).toBe(false);
  });

  it('names an unknown variable of ours and the nearest known one', () => {
    expect(mistakesOf({ OG_ZONES: 'kr' })).toEqual(['OG_ZONES: unknown variable; did you mean OG_ZONE?']);
    expect(mistakesOf({ OG_SOMETHING_ELSE: '1' })).toEqual(['OG_SOMETHING_ELSE: unknown variable']);
  });

  it('says for each invalid value what is expected', () => {
    expect(mistakesOf({ PORT: '80a', ROLES: 'engine,cook', OG_DRAIN_TIMEOUT: '30' })).toEqual([
      'PORT: "80a" is not valid; expected a port number from 0 to 65535',
      'ROLES: "engine,cook" is not valid; expected a list of engine, backoffice, worker',
      'OG_DRAIN_TIMEOUT: "30" is not valid; expected a duration like 30s, up to 1h',
    ]);
    expect(mistakesOf({ OG_DEMO: 'maybe', PORT: '70000' })).toHaveLength(2);
  });

  it('never shows a secret', () => {
    expect(mistakesOf({ OG_ADMIN_TOKEN: 'short', DATABASE_URL: 'mysql://root:geheim@db' })).toEqual([
      'DATABASE_URL: its value is not valid; expected a URL like postgresql://user:password@host:5432/database',
      'OG_ADMIN_TOKEN: its value is not valid; expected at least 32 visible ASCII characters',
    ]);
  });

  it('ignores what Kubernetes injects, even where it looks like ours', () => {
    const injected = {
      OG_SERVICE_HOST: '10.0.0.1',
      OG_SERVICE_PORT: '8080',
      OG_SERVICE_PORT_HTTP: '8080',
      OG_PORT: 'tcp://10.0.0.1:8080',
      OG_PORT_8080_TCP_ADDR: '10.0.0.1',
      OG_METRICS_PORT: 'tcp://10.0.0.2:9090',
    };
    expect(loadConfig(injected)).toMatchObject({ port: 8080, metricsPort: null });
  });

  it('takes an empty variable as unset', () => {
    expect(loadConfig({ PORT: '', OG_CONFIG: '' })).toMatchObject({ port: 8080, configFile: null });
  });
});

describe('units', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5m', 90_000],
    ['1d', 86_400_000],
    ['0', 0],
    ['5', Number.NaN],
    ['-5s', Number.NaN],
    ['5 parsecs', Number.NaN],
  ])('duration %s', (text, expected) => expect(parseDurationMs(text)).toBe(expected));

  it.each([
    ['65536', 65_536],
    ['32MiB', 33_554_432],
    ['1 kB', 1_000],
    ['1e3', Number.NaN],
  ])('size %s', (text, expected) => expect(parseSizeBytes(text)).toBe(expected));
});
