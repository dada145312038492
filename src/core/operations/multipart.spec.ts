import { GatewayError } from '../errors/gateway-error.js';
import { parseMultipart, renderMultipart } from './multipart.js';

const TYPE = 'multipart/form-data; boundary=xyz';
const part = (head: string, body: string): string => `--xyz\r\n${head}\r\n\r\n${body}\r\n`;
const form = (...parts: string[]): Buffer => Buffer.from(`${parts.join('')}--xyz--\r\n`, 'latin1');
const field = (name: string, value: string): string => part(`Content-Disposition: form-data; name="${name}"`, value);
const file = (fileName: string, bytes: string): string => part(`Content-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: audio/wav`, bytes);

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('multipart forms', () => {
  it('give fields and files, whatever bytes are in them', () => {
    const bytes = '\r\n--xy\x00\xff--xy--\r\n\r\n';
    const parsed = parseMultipart(form(field('model', 'm'), file('a.wav', bytes), field('prompt', '')), TYPE);
    expect(parsed.field('model')).toBe('m');
    expect(parsed.field('prompt')).toBe('');
    expect(parsed.file('file')).toMatchObject({ fileName: 'a.wav', contentType: 'audio/wav' });
    expect(parsed.file('file')?.bytes.toString('latin1')).toBe(bytes);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\x\\y.wav', 'y.wav'],
    ['..', 'file'],
    ['a b\u0000;.wav', 'a_b__.wav'],
    ['', 'file'],
  ])('keep of the file name %j only %j', (given, kept) => {
    expect(parseMultipart(form(file(given, 'x')), TYPE).file('file')?.fileName).toBe(kept);
  });

  it.each([
    ['no boundary', () => parseMultipart(form(field('a', 'b')), 'multipart/form-data')],
    ['a boundary of 10 kB', () => parseMultipart(form(field('a', 'b')), `multipart/form-data; boundary=${'x'.repeat(10_000)}`)],
    ['another boundary', () => parseMultipart(form(field('a', 'b')), 'multipart/form-data; boundary=abc')],
    ['no end', () => parseMultipart(Buffer.from(field('a', 'b')), TYPE)],
    ['no header', () => parseMultipart(form('--xyz\r\nnothing\r\n'), TYPE)],
    ['a name with a line break', () => parseMultipart(form(part('Content-Disposition: form-data; name="a\r\nb"', 'x')), TYPE)],
    ['10,000 parts', () => parseMultipart(form(field('a', 'b').repeat(10_000)), TYPE)],
    ['an empty body', () => parseMultipart(Buffer.alloc(0), TYPE)],
  ])('are refused at once: %s', (_name, work) => {
    const startedMs = performance.now();
    expect(refusal(work)).toBe('invalid_request');
    expect(performance.now() - startedMs).toBeLessThan(100);
  });

  it('come out as they went in, and no file can add a field', () => {
    const first = renderMultipart([{ name: 'model', bytes: Buffer.from('m') }, { name: 'file', fileName: 'a.wav', contentType: 'audio/wav', bytes: Buffer.from('x') }]);
    const forged = Buffer.from(first.body);
    const second = renderMultipart([{ name: 'file', fileName: 'a.wav', bytes: forged }]);
    expect(second.contentType).not.toBe(first.contentType);
    const parsed = parseMultipart(second.body, second.contentType);
    expect(parsed.parts.map(({ name }) => name)).toEqual(['file']);
    expect(parsed.file('file')?.bytes.equals(forged)).toBe(true);
    expect(parseMultipart(first.body, first.contentType).parts).toEqual([
      { name: 'model', bytes: Buffer.from('m') },
      { name: 'file', fileName: 'a.wav', contentType: 'audio/wav', bytes: Buffer.from('x') },
    ]);
  });
});
