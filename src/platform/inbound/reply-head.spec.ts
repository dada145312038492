import { renderReplyHead } from './reply-head.js';

const CONNECTION = { closes: false, keepAliveS: 5 };
const render = (id: string) => renderReplyHead(200, { 'x-request-id': id, 'x-text': 'a "quoted" é' }, CONNECTION);
const wanted = (id: string): unknown => expect.stringMatching(new RegExp(`^HTTP/1\\.1 200 OK\\r\\nx-request-id: ${id}\\r\\nx-text: a "quoted" é\\r\\n[^]*\\r\\n\\r\\n$`));

describe('a head', () => {
  it('is its own, whether it is taken before or after the next one is rendered', () => {
    const [first, second, third] = [render('1'), render('2'), render('3')];
    expect(third.text()).toEqual(wanted('3'));
    expect([first, second].map((head) => head.text())).toEqual([wanted('1'), wanted('2')]);
  });

  it('is the same as bytes', () => {
    const early = render('early');
    const heads = [render('late'), early];
    for (const head of heads) {
      const memory = Buffer.alloc(1 + head.byteCount);
      head.copyTo(memory, 1);
      expect(memory.toString('latin1', 1)).toEqual(wanted(head === early ? 'early' : 'late'));
    }
  });

  it('says how its body ends, and whether its connection does', () => {
    const facts = (headers: Record<string, string>, closes = false) => {
      const head = renderReplyHead(200, headers, { closes, keepAliveS: 5 });
      return [head.framed, head.closes, /transfer-encoding: (\w+)/i.exec(head.text())?.[1]];
    };
    expect(facts({ 'content-length': '1' })).toEqual([false, false, undefined]);
    expect(facts({ connection: 'close' })).toEqual([true, true, 'chunked']);
    expect(facts({ connection: 'keep-alive' }, true)).toEqual([true, false, 'chunked']);
    expect(facts({}, true)).toEqual([true, true, 'chunked']);
    expect(() => facts({ 'x-bad': 'a\nb' })).toThrow(TypeError);
  });
});
