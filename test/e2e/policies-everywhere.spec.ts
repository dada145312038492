import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
type Sent = string | FormData;

const messages = [{ role: 'user', content: 'Hello' }];
const json = (members: Json) => (model: string): Sent => JSON.stringify({ model, ...members });
const form = (members: Json, file: string) => (model: string): Sent => {
  const sent = new FormData();
  for (const [name, value] of Object.entries({ model, ...members })) sent.append(name, String(value));
  sent.append(file, new Blob([WAV]), file === 'image' ? 'a.png' : 'a.wav');
  return sent;
};
/** 44 bytes of head and one sample: the shortest sound. */
const WAV = Buffer.concat([
  Buffer.from('RIFF'), Buffer.from([38, 0, 0, 0]), Buffer.from('WAVEfmt '),
  Buffer.from([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]), Buffer.from('data'), Buffer.from([2, 0, 0, 0, 0, 0]),
]);

/** Every endpoint that asks a model something, with the least it takes. One that is missing here fails the test. */
const BODIES: Readonly<Record<string, (model: string) => Sent>> = {
  '/v1/chat/completions': json({ messages }),
  '/v1/messages': json({ messages, max_tokens: 5 }),
  '/v1/messages/count_tokens': json({ messages }),
  '/v1/responses': json({ input: 'Hello' }),
  '/v1/responses/input_tokens': json({ input: 'Hello' }),
  '/v1/completions': json({ prompt: 'Hello' }),
  '/v1/embeddings': json({ input: 'Hello' }),
  '/v1/rerank': json({ query: 'Hello', documents: ['a', 'b'] }),
  '/v1/moderations': json({ input: 'Hello' }),
  '/v1/images/generations': json({ prompt: 'Hello' }),
  '/v1/images/edits': form({ prompt: 'Hello' }, 'image'),
  '/v1/audio/speech': json({ input: 'Hello', voice: 'a' }),
  '/v1/audio/transcriptions': form({}, 'file'),
};
/** They ask no model anything. */
const ASKS_NO_MODEL: ReadonlySet<string> = new Set(['/v1/redeem']);
/** They ask no provider, so what a provider must be is not judged. */
const ASKS_NO_PROVIDER: ReadonlySet<string> = new Set(['/v1/messages/count_tokens', '/v1/responses/input_tokens']);
/** All the ways to write the name of one model. */
const NAMES = ['t/every', 'T/EVERY-alias', 'solo/every.solo', 'solo/t/every', 'class:everything'];

describe('one policy, wherever a model is asked and however it is named', () => {
  let bed: Testbed;
  let paths: string[];

  beforeAll(async () => {
    bed = await Testbed.start();
    const endpoints = ['chat', 'embeddings', 'rerank', 'moderations', 'images', 'audio'];
    const price = { input: '3.00', output: '15.00', audio_in: '1', audio_out: '1', per_image: '0.01' };
    const facts = { endpoints, price, class: 'everything', aliases: ['T/EVERY-alias'] };
    await bed.declare([{ name: 'every', served: { solo: answers('served') }, facts }]);
    const { paths: known } = (await (await fetch(`${bed.gateway.url}/openapi.json`)).json()) as { paths: Record<string, Json> };
    paths = Object.keys(known).filter((path) => path.startsWith('/v1/') && 'post' in (known[path] as Json) && !ASKS_NO_MODEL.has(path));
  });
  afterAll(() => bed?.stop());

  const ask = async (path: string, model: string, key: string): Promise<{ status: number; message: string; text: string }> => {
    const sent = (BODIES[path] as (model: string) => Sent)(model);
    const headers: Record<string, string> = { authorization: `Bearer ${key}`, ...(typeof sent === 'string' && { 'content-type': 'application/json' }) };
    const answer = await fetch(bed.gateway.url + path, { method: 'POST', headers, body: sent });
    const text = await answer.text();
    const message = answer.status < 400 ? '' : String(((JSON.parse(text) as Json)['error'] as Json)['message']);
    return { status: answer.status, message, text };
  };

  it('every endpoint is in the table', () => {
    expect([...paths].sort()).toEqual(Object.keys(BODIES).sort());
  });

  it('a model is refused under every name at every endpoint, and nothing is sent', async () => {
    const key = await bed.key({ policy: { models: { deny: ['t/every'] } } });
    const sent = bed.simulator.requests.length;
    for (const path of paths) {
      for (const name of NAMES) {
        const { status, message } = await ask(path, name, key.key);
        expect({ path, name, status, message }).toEqual({ path, name, status: 403, message: `The model t/every is not allowed by the policy \`models.deny\` of key ${key.id}.` });
      }
    }
    expect(bed.simulator.requests).toHaveLength(sent);
  });

  it.each<[string, Json, boolean]>([
    ['classes.deny', { classes: { deny: ['every*'] } }, false],
    ['ips', { ips: ['10.0.0.0/8'] }, false],
    ['schedule', { schedule: { days: [(new Date().getUTCDay() + 3) % 7], timezone: 'UTC' } }, false],
    ['providers.deny', { providers: { deny: ['solo'] } }, true],
    ['zones', { zones: ['mars'] }, true],
    ['max_price.input', { max_price: { input: '0.01' } }, true],
  ])('%s holds at every endpoint', async (rule, policy, ofProvider) => {
    const key = await bed.key({ policy });
    const sent = bed.simulator.requests.length;
    for (const path of paths) {
      const { status, message } = await ask(path, 't/every', key.key);
      if (ofProvider && ASKS_NO_PROVIDER.has(path)) expect([path, status]).toEqual([path, 200]);
      else expect({ path, status, message }).toEqual({ path, status: 403, message: expect.stringMatching(new RegExp(`\`${rule.replace('.', '\\.')}\` of key ${key.id}`)) });
    }
    expect(bed.simulator.requests).toHaveLength(sent);
  });

  it('the effective policy is what the layers leave, for whoever holds the key', async () => {
    const organization = await bed.operator.post('organizations', { name: 'o', policy: { models: { allow: ['t/*'] }, max_output_tokens: 500, substitution: 'equivalent' } });
    const project = await bed.operator.post('projects', { organization_id: organization['id'], name: 'p', policy: { streaming: false, schedule: { timezone: 'UTC', from: '00:00', to: '23:59' } } });
    const key = await bed.operator.post('keys', { project_id: project['id'], name: 'k', policy: { models: { deny: ['*mini*'] }, max_output_tokens: 100, substitution: 'degraded', schedule: { from: '01:00' } } });
    const shown = (await (await fetch(`${bed.gateway.url}/v1/key`, { headers: { authorization: `Bearer ${String(key['key'])}` } })).json()) as Json;
    expect(shown['policy']).toMatchObject({
      models: { allow: ['t/*'], deny: ['*mini*'] },
      max_output_tokens: 100,
      streaming: false,
      substitution: 'equivalent',
      schedules: [{ timezone: 'UTC', from: '00:00', to: '23:59' }, { from: '01:00' }],
    });
  });
});
