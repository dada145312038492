import { MASK } from './document.js';
import { parseProviders } from './parse-providers.js';
import { renderProvider } from './render-document.js';

const KEY_FILE = JSON.stringify({ client_email: 'robot@example.test', private_key: 'x' });
const parse = (type: string, credential: Record<string, unknown>, keep: Record<string, string> = {}) =>
  parseProviders([{ id: 'p', type, base_url: 'http://127.0.0.1:9', credentials: [credential] }], () => keep, MASK)[0];

describe('credentials', () => {
  it.each([
    ['bedrock', { access_key_id: 'AKID', secret_access_key: 's', session_token: 't', region: 'eu-west-1' }],
    ['bedrock', { key: 'bearer', region: 'us-east-1' }],
    ['vertex', { service_account: KEY_FILE, project: 'my-project', location: 'global' }],
    ['vertex', { key: 'k' }],
    ['openai', { key: 'k' }],
  ])('%s takes %j', (type, credential) => expect(parse(type, credential)?.credentials[0]?.secrets).toEqual(credential));

  it.each([
    ['bedrock', { access_key_id: 'AKID' }, 'is incomplete: key, or access_key_id and secret_access_key'],
    ['bedrock', { key: 'k', region: 'evil.example/' }, 'region must be lower-case letters'],
    ['bedrock', { key: 'k', regoin: 'eu-west-1' }, 'did you mean "region"?'],
    ['vertex', { service_account: '{"type":"service_account"}' }, 'must be the text of a Google key file'],
    ['vertex', { key: 'k', location: 'a.b' }, 'location must be lower-case letters'],
    ['openai', { key: 'k', region: 'us-east-1' }, 'region is not a known key here'],
    ['openai', { key: 'with space' }, 'must be visible ASCII'],
  ])('%s refuses %j', (type, credential, message) => expect(() => parse(type, credential)).toThrow(message));

  it('masks secrets and shows what is part of an address; a mask keeps each secret', () => {
    const secrets = { access_key_id: 'AKID', secret_access_key: 's', region: 'eu-west-1' };
    const shown = renderProvider(parse('bedrock', secrets) as never, () => MASK);
    const [credential] = shown['credentials'] as Record<string, unknown>[];
    expect(credential).toMatchObject({ access_key_id: MASK, secret_access_key: MASK, region: 'eu-west-1' });
    expect(parse('bedrock', credential as Record<string, unknown>, secrets)?.credentials[0]?.secrets).toEqual(secrets);
    expect(() => parse('bedrock', credential as Record<string, unknown>)).toThrow('is masked, but there is no such secret');
  });
});
