import { RouteTable } from './route-table.js';

describe('RouteTable', () => {
  const table = new RouteTable();
  table.add('POST', '/v1/chat/completions');
  table.add(['GET', 'HEAD'], '/v1/models/:id');

  it('knows the methods of a path', () => {
    expect(table.methodsFor('/v1/chat/completions')).toEqual(['POST']);
    expect(table.methodsFor('/v1/models/gpt')).toEqual(['GET', 'HEAD']);
  });

  it('knows nothing of other paths', () => {
    expect(table.methodsFor('/v1/chat')).toEqual([]);
    expect(table.methodsFor('/v1/models/a/b')).toEqual([]);
  });
});
