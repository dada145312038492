import { BoundedLabel } from './index.js';

describe('BoundedLabel', () => {
  it('keeps known names, up to a limit', () => {
    const label = new BoundedLabel((name) => name.startsWith('openai/'), 2);
    expect(['openai/a', 'openai/b', 'openai/c', 'openai/a', 'made-up', '', null].map((name) => label.value(name))).toEqual([
      'openai/a',
      'openai/b',
      '_other',
      'openai/a',
      '_unknown',
      '_unknown',
      '_unknown',
    ]);
  });
});
