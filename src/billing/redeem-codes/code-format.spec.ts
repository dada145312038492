import { generateCode, parseCode } from './code-format.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const fullWidth = (text: string): string => [...text].map((character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0)).join('');

describe('redeem codes', () => {
  const code = generateCode();
  const digits = parseCode(code) ?? '';

  it('have a prefix, five groups, and a checksum that holds', () => {
    expect(code).toMatch(/^OG(-[0-9A-HJKMNP-TV-Z]{5}){5}$/);
    expect(digits).toBe(code.slice(3).replaceAll('-', ''));
  });

  it('draw every digit of every place alike: 105 bits (χ² over 20,000 codes)', () => {
    const counts = Array.from({ length: 21 }, () => new Map<string, number>());
    const drawn = new Set<string>();
    for (let i = 0; i < 20_000; i += 1) {
      const random = parseCode(generateCode()) ?? '';
      drawn.add(random);
      counts.forEach((count, place) => count.set(random.charAt(place), (count.get(random.charAt(place)) ?? 0) + 1));
    }
    expect(drawn.size).toBe(20_000);
    for (const count of counts) {
      const chiSquare = [...ALPHABET].reduce((sum, digit) => sum + ((count.get(digit) ?? 0) - 625) ** 2 / 625, 0);
      // 31 degrees of freedom: above 85 once in a million places.
      expect(chiSquare).toBeLessThan(85);
    }
  });

  it.each([
    ['lower case', (text: string) => text.toLowerCase()],
    ['no hyphens', (text: string) => text.replaceAll('-', '')],
    ['spaces', (text: string) => ` ${text.replaceAll('-', '  ')}\n`],
    ['full-width', fullWidth],
    ['dashes of an input method', (text: string) => text.replaceAll('-', 'ー')],
    ['long dashes', (text: string) => text.replaceAll('-', '—')],
    ['no-break and ideographic spaces, zero-width characters', (text: string) => text.replaceAll('-', '\u00a0\u3000\u200b')],
    ['no prefix', (text: string) => text.slice(3)],
    ['look-alikes', (text: string) => text.replaceAll('0', 'o').replaceAll('1', 'l').replaceAll('V', 'u')],
    ['other look-alikes', (text: string) => text.replaceAll('1', 'I').replaceAll('0', 'O')],
  ])('are read with %s', (_what, written) => {
    for (let i = 0; i < 50; i += 1) {
      const other = generateCode();
      expect(parseCode(written(other))).toBe(parseCode(other));
    }
  });

  it('find every single wrong digit and every swap of neighbours', () => {
    for (let place = 0; place < digits.length; place += 1) {
      for (const digit of ALPHABET.replace(digits.charAt(place), '')) expect(parseCode(digits.slice(0, place) + digit + digits.slice(place + 1))).toBeNull();
      const [one, other] = [digits.charAt(place), digits.charAt(place + 1)];
      if (other !== '' && one !== other) expect(parseCode(digits.slice(0, place) + other + one + digits.slice(place + 2))).toBeNull();
    }
  });

  it.each(['', 'x', 'OG-', 'sk-og-abcdefgh', '0'.repeat(24), '0'.repeat(26), 'OG-ÄÄÄÄÄ-00000-00000-00000-00000', 'ﷺ'.repeat(128), '\u0000'.repeat(25), "' OR 1=1 --"])(
    'refuse %j',
    (text) => {
      expect(parseCode(text)).toBeNull();
    },
  );
});
