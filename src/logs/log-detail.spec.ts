import fc from 'fast-check';
import { aRequestLog } from '../../test/fixtures/request-log.js';
import { JsonBytes } from '../core/json/index.js';
import type { RequestLog } from '../core/request-log/request-log.js';
import { decodeDetail } from './log-detail.js';
import { writeDetail } from './write-detail.js';

const MEMBERS = [
  'attempts', 'candidates', 'client_ip', 'client_request_id', 'client_retries', 'config_hash', 'cost_lines', 'drift', 'error_message', 'finish_reason',
  'key_name', 'parameters', 'raw_finish_reason', 'routing', 'strategy', 'timings', 'upstream_id', 'upstream_model', 'usage', 'usage_estimated', 'user_agent',
];
const USUAL = { kind: 'first', zone: null, outcome: 'ok', status: 200, error_code: null, connect_ms: null, first_byte_ms: null, error_message: null } as const;

describe('the detail of a log row', () => {
  it('has every member, whatever was left out', () => {
    const bare = aRequestLog({
      clientRequestId: undefined, upstreamId: undefined, usage: undefined, strategy: undefined, finishReason: undefined, rawFinishReason: undefined,
      upstreamModel: undefined, userAgent: undefined, clientIp: undefined, attempts: [], candidates: [], parameters: [], chargeLines: [],
    });
    const text = encoded(bare);
    expect(text).not.toContain(':null');
    for (const detail of [decodeDetail(text), decodeDetail(encoded(aRequestLog()))]) expect(Object.keys(detail).sort()).toEqual(MEMBERS);
    expect(decodeDetail(text)).toMatchObject({ client_request_id: null, usage: null, attempts: [], drift: [], usage_estimated: false, client_retries: 0 });
  });

  it('shows usual attempts and unusual ones as they were', () => {
    const usual = { number: 1, kind: 'first' as const, provider: 'p', upstreamModel: 'm', deployment: 'd', credential: 'c', outcome: 'ok' as const, status: 200, startedAtMs: 0, totalMs: 1 };
    const unusual = { ...usual, number: 2, kind: 'hedge' as const, outcome: 'timeout' as const, status: undefined, zone: 'kr', errorCode: 'x', errorMessage: 'y', connectMs: 0, firstByteMs: 2.345 };
    const { attempts } = decodeDetail(encoded(aRequestLog({ attempts: [usual, unusual] })));
    const same = { provider: 'p', upstream_model: 'm', deployment: 'd', credential: 'c', started_at: '1970-01-01T00:00:00.000Z', total_ms: 1 };
    expect(attempts).toEqual([
      { ...USUAL, ...same, number: 1 },
      { ...USUAL, ...same, number: 2, kind: 'hedge', outcome: 'timeout', status: null, zone: 'kr', error_code: 'x', error_message: 'y', connect_ms: 0, first_byte_ms: 2.35 },
    ]);
  });

  it('shows an attempt at a candidate as if it stood there whole, and words a usual place', () => {
    const deployment = (id: string, zones: string[]) => ({ id, upstreamModel: `up-${id}`, provider: { id: `p-${id}`, zones } });
    const candidates = [
      { deployment: deployment('a', []), model: { id: 'm' }, place: 1, reasons: ['never read'], usualPlace: [0, 1, 98, 41, 2] as const },
      { deployment: deployment('b', ['kr', 'jp']), model: { id: 'm' }, place: 2, reasons: ['arm x'], usualPlace: null },
    ];
    const at = (id: string) => ({
      number: 1, kind: 'first' as const, provider: `p-${id}`, upstreamModel: `up-${id}`, deployment: id, credential: 'c', outcome: 'ok' as const, status: 200, startedAtMs: 0, totalMs: 1,
      ...(id === 'b' ? { zone: 'kr,jp' } : {}),
    });
    const detail = decodeDetail(encoded(aRequestLog({ candidates, attempts: [at('b'), at('a'), at('gone')] })));
    const shown = (id: string, zone: string | null) => ({ ...USUAL, number: 1, provider: `p-${id}`, upstream_model: `up-${id}`, deployment: id, credential: 'c', zone, started_at: '1970-01-01T00:00:00.000Z', total_ms: 1 });
    expect(detail['attempts']).toEqual([shown('b', 'kr,jp'), shown('a', null), shown('gone', null)]);
    expect((detail['candidates'] as Record<string, unknown>[]).map(({ reasons }) => reasons)).toEqual([
      ['priority 0', 'availability band 1 (at least 0.98 over 41 samples)', 'weight 2'],
      ['arm x'],
    ]);
  });

  it('names what each candidate is, whatever its names are made of', () => {
    const deployment = (id: string, zones: string[]) => ({ id, upstreamModel: 'größe-"모델"\0', provider: { id: 'p', zones } });
    const [far, near] = [deployment('a#main', []), deployment('b#main', ['kr', 'jp'])];
    const candidates = [
      { deployment: far, model: { id: 'm' }, place: 1, reasons: ['weight 1'] },
      { deployment: near, model: { id: 'm' }, excluded: 'zone', reasons: [] },
      { deployment: near, model: { id: 'alias' }, reasons: [] },
    ];
    const same = { provider: 'p', upstream_model: 'größe-"모델"\ufffd' };
    for (let time = 0; time < 2; time += 1) {
      expect(decodeDetail(encoded(aRequestLog({ candidates })))['candidates']).toEqual([
        { ...same, model: 'm', deployment: 'a#main', zone: null, place: 1, excluded: null, reasons: ['weight 1'] },
        { ...same, model: 'm', deployment: 'b#main', zone: 'kr,jp', place: null, excluded: 'zone', reasons: [] },
        { ...same, model: 'alias', deployment: 'b#main', zone: 'kr,jp', place: null, excluded: null, reasons: [] },
      ]);
    }
  });

  it('counts every class and sums them, prices by their unit', () => {
    const counts = fc.record(Object.fromEntries(Object.keys(aRequestLog().usage ?? {}).map((name) => [name, fc.integer({ min: 0, max: 1_000_000 })])));
    fc.assert(
      fc.property(counts, (usage) => {
        const shown = decodeDetail(encoded(aRequestLog({ usage: usage as never })))['usage'] as Record<string, number>;
        expect([shown['input'], shown['cache_write_1h'], shown['audio_out']]).toEqual([usage['input'], usage['cacheWrite1h'], usage['audioOut']]);
        expect(shown['total_tokens']).toBe((shown['prompt_tokens'] as number) + (shown['completion_tokens'] as number));
        expect(Object.keys(shown)).toHaveLength(12);
      }),
      { numRuns: 50 },
    );
    const lines = [
      { class: 'input', quantity: 3, priceNanoUsd: '7', unit: 'per_million_tokens' as const },
      { class: 'images', quantity: 1, priceNanoUsd: '9', unit: 'per_image' as const },
    ];
    expect(decodeDetail(encoded(aRequestLog({ chargeLines: lines })))['cost_lines']).toEqual(
      lines.map(({ priceNanoUsd, ...line }) => ({ ...line, price_nano_usd: priceNanoUsd })),
    );
  });

  it('is read in its older form, which left nothing out', () => {
    const older = {
      client_request_id: null, key_name: 'ci', routing: { models: ['m'], endpoint: 'chat', needs: [], choices: 1, seed: 1 },
      attempts: [{ number: 1, kind: 'first', status: null, outcome: 'error' }], parameters: [{ parameter: 'n', action: 'dropped', detail: null }],
      usage: { input: 1, cache_read: 2, output: 4, prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
      cost_lines: [{ class: 'input', quantity: 1, unit: 'per_million_tokens', price_nano_usd: '5' }],
    };
    const read = decodeDetail(JSON.stringify(older));
    expect(read).toMatchObject(older);
    expect(read['routing']).toMatchObject({ no_fallback: false, explored: false });
  });

  it('says what clients and providers said, whatever it was', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(text, text, fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e9 }), (said, upstream, totalMs) => {
        const log = aRequestLog({ clientRequestId: said, upstreamId: upstream, drift: [said], errorMessage: upstream, timings: { holdMs: totalMs, totalMs } });
        const detail = decodeDetail(encoded(log));
        expect(detail).toMatchObject({ client_request_id: said, upstream_id: upstream, drift: [said] });
        expect(detail['timings']).toEqual({ hold_ms: Math.round(totalMs * 100) / 100, total_ms: Math.round(totalMs * 100) / 100 });
      }),
    );
  });
});

function encoded(log: RequestLog): string {
  const json = new JsonBytes();
  writeDetail(json, log, { emails: false });
  return json.bytes.toString('utf8', 0, json.length);
}
