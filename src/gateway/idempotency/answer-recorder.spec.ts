import { AnswerRecorder, MAX_ANSWER_BYTES, RecordingBudget } from './answer-recorder.js';
import { openAnswer, sealAnswer } from './answer-seal.js';
import { readIdempotencyKey } from './idempotency-key.js';

const nothing = (): Promise<void> => Promise.resolve();

describe('AnswerRecorder', () => {
  it('keeps the bytes and the headers that describe the answer', () => {
    const recorder = new AnswerRecorder(new RecordingBudget(), nothing);
    recorder.head(200, { 'content-type': 'text/event-stream', 'x-og-provider': 'p', 'x-request-id': 'req_1', 'x-ratelimit-remaining-requests': '1' });
    recorder.piece(Buffer.from('data: é\n\n'));
    recorder.piece(Buffer.from('data: [DONE]\n\n'));
    expect(recorder.answer()?.toString()).toBe('data: é\n\ndata: [DONE]\n\n');
    expect(recorder.headers).toEqual({ 'content-type': 'text/event-stream', 'x-og-provider': 'p' });
  });

  it('gives up an answer that is too large, and its memory', () => {
    const budget = new RecordingBudget(MAX_ANSWER_BYTES);
    const recorder = new AnswerRecorder(budget, nothing);
    recorder.piece(Buffer.alloc(MAX_ANSWER_BYTES));
    expect(recorder.answer()).toHaveLength(MAX_ANSWER_BYTES);
    recorder.piece(Buffer.alloc(1));
    expect(recorder.answer()).toBeNull();
    expect(budget.take(MAX_ANSWER_BYTES)).toBe(true);
  });

  it('takes no more memory than all recordings together may', () => {
    const budget = new RecordingBudget(10);
    const first = new AnswerRecorder(budget, nothing);
    const second = new AnswerRecorder(budget, nothing);
    first.piece(Buffer.alloc(8));
    second.piece(Buffer.alloc(3));
    expect([first.answer()?.length, second.answer()]).toEqual([8, null]);
    first.drop();
    expect(budget.take(10)).toBe(true);
  });
});

describe('a sealed answer', () => {
  const scope = Buffer.from('scope');
  const secrets = { clientKey: 'sk-og-1', idempotencyKey: 'k' };
  const sealed = sealAnswer(Buffer.from('only mine'), secrets, scope);

  it('opens for who sealed it', () => {
    expect(openAnswer(sealed, secrets, scope)?.toString()).toBe('only mine');
    expect(sealed.includes('only mine')).toBe(false);
  });

  it.each([
    ['another key of the client', { ...secrets, clientKey: 'sk-og-2' }, scope],
    ['another idempotency key', { ...secrets, idempotencyKey: 'l' }, scope],
    ['another row', secrets, Buffer.from('other')],
  ])('does not open with %s', (_name, other, row) => {
    expect(openAnswer(sealed, other, row)).toBeNull();
  });

  it('does not open when it was changed or cut', () => {
    const changed = Buffer.from(sealed);
    changed[14] = (changed[14] ?? 0) ^ 1;
    expect([openAnswer(changed, secrets, scope), openAnswer(sealed.subarray(0, 20), secrets, scope)]).toEqual([null, null]);
  });
});

describe('readIdempotencyKey', () => {
  it('takes visible ASCII and nothing else', () => {
    expect(readIdempotencyKey({})).toBeUndefined();
    expect(readIdempotencyKey({ 'idempotency-key': 'a'.repeat(255) })).toHaveLength(255);
    for (const bad of ['', 'a b', 'é', 'a'.repeat(256), 'a, b']) {
      expect(() => readIdempotencyKey({ 'idempotency-key': bad })).toThrow('idempotency-key');
    }
  });
});
