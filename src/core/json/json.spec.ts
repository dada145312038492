import fc from 'fast-check';
import { GatewayError } from '../errors/gateway-error.js';
import { jsonString, onlyStringNamed, scanBody, spliceBody, type ScanLimits } from './index.js';

const scan = (text: string | Buffer, limits?: Partial<ScanLimits>) => scanBody(Buffer.from(text as string), limits);
function refusal(text: string | Buffer, limits?: Partial<ScanLimits>): GatewayError {
  try {
    scan(text, limits);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('the body was accepted');
}
const long = 'x'.repeat(200);

/** JSON text of any value, with white space and escapes as a client may write them. */
const anyObject = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' }), { maxKeys: 8 });

describe('scanBody', () => {
  it('reads what JSON.parse reads, and knows where each member stands', () => {
    fc.assert(
      fc.property(anyObject, fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const scanned = scan(text);
        expect(scanned.value).toEqual(JSON.parse(text));
        for (const [at, key] of scanned.keys.entries()) {
          const [keyStart, valueStart, valueEnd] = scanned.spans.slice(3 * at, 3 * at + 3);
          expect(JSON.parse(scanned.bytes.toString('utf8', keyStart, valueEnd).replace(/^/, '{').concat('}'))).toEqual({ [key]: scanned.value[key] });
          expect(JSON.parse(scanned.bytes.toString('utf8', valueStart, valueEnd))).toEqual(scanned.value[key]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with JSON.parse on damaged text', () => {
    const damage = fc.record({
      at: fc.nat(200),
      cut: fc.nat(3),
      put: fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', '1', 'e', '-', '.', 'null', '\u0001', '\n'),
    });
    fc.assert(
      fc.property(anyObject, damage, (object, { at, cut, put }) => {
        const whole = JSON.stringify({ ...object, long: `${long}\\"`, n: [1.5e3, true, null] });
        // Through bytes, because a cut inside a surrogate pair is no text that could be sent.
        const text = Buffer.from(whole.slice(0, at) + put + whole.slice(at + cut)).toString();
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          expect(refusal(text).code).toBe('invalid_request');
          return;
        }
        if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return;
        try {
          expect(scan(text).value).toEqual(parsed);
        } catch (error) {
          // Only a duplicate key may be refused although JSON.parse takes it.
          expect((error as GatewayError).message).toContain('twice');
        }
      }),
      { numRuns: 600 },
    );
  });

  it.each<[string, string, RegExp]>([
    ['a missing brace', '{"a":1', /unexpected end at line 1, column 7/],
    ['a trailing comma', '{"a":1,}', /unexpected "}" at line 1, column 8/],
    ['a second value', '{} x', /unexpected "x" at line 1, column 4/],
    ['the line', '{\n  "a": 한,\n}', /unexpected "한" at line 2, column 8 \(byte 9\)/],
    ['a control character', `{"a":"${long}\u0001"}`, /control character 0x01 at line 1, column 207/],
    ['an unknown escape', `{"a":"${long}\\x"}`, /backslash that begins no known escape at line 1/],
    ['a broken number', '{"a":01}', /unexpected "0" at line 1, column 6/],
    ['a broken literal', '{"a":nul}', /unexpected "n"/],
    ['an array', '[1]', /must be a JSON object/],
    ['null', 'null', /must be a JSON object/],
    ['nothing', '', /is empty/],
    ['white space', '  ', /must be a JSON object/],
    ['a byte order mark', '\uFEFF{}', /byte order mark/],
    ['an open string', `{"a":"${long}`, /unexpected end/],
    ['a broken key', '{"a\\q":1}', /backslash/],
  ])('names the place of %s', (_name, text, message) => {
    const error = refusal(text);
    expect(error.code).toBe('invalid_request');
    expect(error.message).toMatch(message);
  });

  it('refuses invalid UTF-8 with its place', () => {
    for (const bad of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80]]) {
      const error = refusal(Buffer.concat([Buffer.from('{"a":"'), Buffer.from('가'.repeat(3000)), Buffer.from(bad), Buffer.from('"}')]));
      expect(error.message).toContain(`not valid UTF-8 at line 1 (byte ${6 + 9000})`);
    }
  });

  it.each<[string, string, string]>([
    ['at the top', '{"model":1,"x":2,"model":3}', 'model'],
    ['in a message', '{"messages":[{"role":"user"},{"role":"user","content":"a","role":"system"}]}', 'messages[1].role'],
    ['after escapes are decoded', '{"tools":[{"function":{"name":1,"n\\u0061me":2}}]}', 'tools[0].function.name'],
    ['beyond ASCII', '{"a":{"한":1,"\\ud55c":2}}', 'a["한"]'],
    ['named __proto__', '{"__proto__":1,"__proto__":2}', '__proto__'],
    ['among many', `{"o":{${Array.from({ length: 50 }, (_, i) => `"k${i}":0`).join(',')},"k7":1}}`, 'o.k7'],
  ])('refuses a duplicate key %s', (_name, text, param) => {
    const error = refusal(text);
    expect(error.param).toBe(param);
    expect(error.message).toContain('twice');
  });

  it('takes the same key in different objects', () => {
    const item = { a: 1, b: { a: 1 }, c: [{ a: 1 }, { a: 2 }] };
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, item]));
    expect(scan(JSON.stringify({ a: many, b: many })).value).toEqual({ a: many, b: many });
  });

  it('keeps a __proto__ member as plain data', () => {
    const { value } = scan('{"__proto__":{"polluted":true},"a":1}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__', 'a']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('bounds depth, items and values before it allocates', () => {
    const nest = (n: number) => `{"a":${'['.repeat(n)}${']'.repeat(n)}}`;
    expect(scan(nest(63)).keys.length).toBe(1);
    expect(refusal(nest(64)).param).toMatch(/^a\[0\]/);
    expect(refusal(`{"a":${'['.repeat(5_000_000)}`).message).toContain('nested deeper than 64');
    expect(refusal(`{"messages":[${'{},'.repeat(20)}{}]}`, { maxItems: 20 }).param).toBe('messages[20]');
    expect(refusal(`{"a":[${'1,'.repeat(20)}1]}`, { maxValues: 10 }).message).toContain('more than 10 values');
  });

  it.each<[name: string, body: (size: number) => string]>([
    ['keys', (size) => `{${Array.from({ length: size / 10 }, (_, i) => `"k${i}":0`).join(',')}}`],
    ['escaped backslashes', (size) => `{"a":"${'\\\\'.repeat(size / 2)}"}`],
    ['escaped quotes', (size) => `{"a":"${'\\"'.repeat(size / 2)}"}`],
    ['spaces', (size) => `{"a":${' '.repeat(size)}1}`],
  ])('takes no more than its share of time for four times as many %s', (_name, body) => {
    const leastMs = (text: string): number =>
      Math.min(
        ...[1, 2, 3].map(() => {
          const startedMs = performance.now();
          scan(text);
          return performance.now() - startedMs;
        }),
      );
    // Linear is 4, quadratic 16.
    expect(leastMs(body(1_000_000)) / Math.max(1, leastMs(body(250_000)))).toBeLessThan(12);
  });
});

describe('jsonString', () => {
  it('writes what JSON.stringify writes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(jsonString(text)).toBe(JSON.stringify(text))));
    expect([jsonString(long), jsonString('\ud800'), jsonString('\u007f')]).toEqual([`"${long}"`, '"\\ud800"', '"\u007f"']);
  });
});

describe('onlyStringNamed', () => {
  it('finds the text of the one string of a name, and nothing where there is not one alone', () => {
    const names = fc.constantFrom('content', 'content', 'x"content', '\\', 'other');
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"content":"x"', 'content', '\\"', '\\'));
    const leaf = fc.oneof({ weight: 6, arbitrary: text }, fc.constant(null), fc.nat());
    const deep = fc.dictionary(names, fc.oneof({ weight: 3, arbitrary: leaf }, fc.array(fc.oneof(leaf, fc.dictionary(names, leaf, { maxKeys: 2 })), { maxLength: 2 })), { maxKeys: 3 });
    let found = 0;
    fc.assert(
      fc.property(deep, fc.constantFrom(undefined, 1), (object, indent) => {
        const values: unknown[] = [];
        let count = 0;
        const json = JSON.stringify(object, (key, value: unknown) => {
          if (key === 'content') values.push(value);
          if (key === 'content' || value === 'content') count += 1;
          return value;
        }, indent);
        const result = onlyStringNamed('content', json);
        if (result !== null) {
          found += 1;
          expect([count, JSON.parse(result)]).toEqual([1, values[0]]);
        } else if (count === 1 && typeof values[0] === 'string') expect(json).toContain('\\"content"');
      }),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(20);
  });
});

describe('spliceBody', () => {
  it('finds members under names that an object would put in another place', () => {
    const scanned = scan('{"b":1,"10":2, "9" : "x","model":"m","\\u0031":3}');
    expect(scanned.keys).toEqual(['b', '10', '9', 'model', '1']);
    expect(spliceBody(scanned, { ...scanned.value, model: 'n', 10: undefined }).toString()).toBe('{"b":1,"9" : "x","model":"n","\\u0031":3}');
  });

  it('gives identical bytes when nothing changed', () => {
    fc.assert(
      fc.property(anyObject, fc.constantFrom(undefined, 2), (object, indent) => {
        const scanned = scan(JSON.stringify(object, null, indent));
        expect(spliceBody(scanned, { ...scanned.value })).toBe(scanned.bytes);
      }),
    );
  });

  it('equals the same edits made on the object', () => {
    const edits = fc.array(fc.tuple(fc.nat(10), fc.constantFrom('set', 'remove', 'add'), fc.jsonValue({ maxDepth: 2 })), { maxLength: 6 });
    fc.assert(
      fc.property(anyObject, edits, fc.constantFrom(undefined, 1), (object, changes, indent) => {
        const scanned = scan(JSON.stringify(object, null, indent));
        const wire: Record<string, unknown> = { ...scanned.value };
        for (const [at, what, value] of changes) {
          const key = Object.keys(object)[at] ?? `new${at}`;
          const name = what === 'add' ? `added${at}` : key;
          if (what === 'remove') delete wire[name];
          else Object.defineProperty(wire, name, { value, enumerable: true, configurable: true, writable: true });
        }
        expect(JSON.parse(spliceBody(scanned, wire).toString())).toEqual(JSON.parse(JSON.stringify(wire)));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps what it does not touch byte for byte', () => {
    const body = '{ "model" : "a", "seed": 9007199254740993, "big":1e400 ,\n "x":{"한":"\\u0061","n":1.0}, "drop": [1], "stream":true }';
    const scanned = scan(body);
    const { drop: _drop, ...rest } = scanned.value;
    const text = spliceBody(scanned, { ...rest, model: 'b', stream_options: { include_usage: true } }).toString();
    expect(text).toBe(
      '{ "model" : "b", "seed": 9007199254740993, "big":1e400 ,\n "x":{"한":"\\u0061","n":1.0}, "stream":true,"stream_options":{"include_usage":true} }',
    );
    expect(spliceBody(scanned, { added: 1 }).toString()).toBe('{ "added":1 }');
    expect(spliceBody(scan('{}'), { added: 1 }).toString()).toBe('{"added":1}');
    expect(spliceBody(scanned, {}).toString()).toBe('{  }');
  });
});
