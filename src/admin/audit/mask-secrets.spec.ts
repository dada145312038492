import { maskSecrets } from './mask-secrets.js';

describe('maskSecrets', () => {
  it('masks members with secret names and values that look like keys', () => {
    expect(maskSecrets({ name: 'ci', key: 'sk-og-abcdefgh', nested: [{ api_key: 'x', note: 'uses sk-proj-12345678 today' }] })).toEqual({
      name: 'ci',
      key: '***',
      nested: [{ api_key: '***', note: 'uses *** today' }],
    });
  });

  it('masks credentials in a YAML document but keeps references', () => {
    const masked = maskSecrets('credentials:\n  - {id: main, key: "hunter22", weight: 1}\n  - {id: b, key: "${env:OPENAI_API_KEY}"}\n') as string;
    expect(masked).not.toContain('hunter22');
    expect(masked).toContain('${env:OPENAI_API_KEY}');
  });
});
