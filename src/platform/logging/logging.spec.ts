import { generateToken } from '../secrets/index.js';
import { createLogger, PinoLogger } from './index.js';

function logged(write: (logger: PinoLogger) => void): { text: string; lines: Record<string, unknown>[] } {
  let text = '';
  write(new PinoLogger(createLogger({ level: 'info', zone: 'kr', destination: { write: (line: string) => void (text += line) } })));
  return { text, lines: text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('PinoLogger', () => {
  it('writes one JSON object a line, with context, zone and fields', () => {
    const { lines } = logged((logger) => logger.warn({ message: 'pool is full', waitingCount: 7 }, 'Database'));
    expect(lines).toEqual([expect.objectContaining({ level: 'warn', zone: 'kr', context: 'Database', msg: 'pool is full', waitingCount: 7 })]);
  });

  it('takes the text after the fields as well', () => {
    const { lines } = logged((logger) => logger.log({ models: 3 }, 'in force', 'Configuration'));
    expect(lines[0]).toMatchObject({ msg: 'in force', context: 'Configuration', models: 3 });
  });

  it('keeps an error with its stack and cause', () => {
    const { lines } = logged((logger) => logger.error('failed', new Error('outer', { cause: new Error('inner') }), 'Ledger'));
    expect(lines[0]).toMatchObject({ msg: 'failed', context: 'Ledger', err: { message: 'outer: inner' } });
  });

  it('leaves out what is below the level, and Nest’s own start-up', () => {
    expect(logged((logger) => logger.debug('detail', 'X')).lines).toEqual([]);
    expect(logged((logger) => logger.log('Mapped {/, GET} route', 'RouterExplorer')).lines).toEqual([]);
  });

  it('never writes a secret: by field, by shape, in errors, in nested objects', () => {
    const ours = generateToken('sk-og');
    const operator = generateToken('mk-og');
    const openai = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789';
    const { text } = logged((logger) => {
      logger.log({ message: `key ${ours}`, authorization: 'whatever-this-is', headers: { 'x-api-key': 'opaque-value-1' } }, 'X');
      logger.error(new Error(`Incorrect API key provided: ${openai}`), 'X');
      logger.warn({ message: 'x', request: { headers: { cookie: 'opaque-value-2', other: `Bearer ${operator}` } } }, 'X');
      logger.warn('connect postgresql://og:opaque-value-3@db/og', 'X');
    });
    for (const secret of [ours, operator, openai, 'whatever-this-is', 'opaque-value-1', 'opaque-value-2', 'opaque-value-3']) {
      expect(text).not.toContain(secret);
    }
    expect(text.trim().split('\n').every((line) => typeof JSON.parse(line) === 'object')).toBe(true);
  });
});
