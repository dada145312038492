import fc from 'fast-check';
import { responseSchema } from './schema-full.js';
import { schemaSubset } from './schema-subset.js';
import { isWire, type Wire } from './wire.js';

const FORBIDDEN = [
  '$ref',
  '$defs',
  '$schema',
  '$id',
  'definitions',
  'additionalProperties',
  'const',
  'oneOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'prefixItems',
  'patternProperties',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'uniqueItems',
];

/** Walks schemas only: a property may well be called `not`. */
function schemasOf(schema: Wire): Wire[] {
  const nested = [
    ...(isWire(schema['items']) ? [schema['items']] : []),
    ...(isWire(schema['properties']) ? Object.values(schema['properties']).filter(isWire) : []),
    ...(Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isWire) : []),
  ];
  return [schema, ...nested.flatMap(schemasOf)];
}

const leaf = fc.record(
  {
    type: fc.constantFrom<unknown>('string', 'integer', 'number', 'boolean', 'null', 'object', 'array', ['string', 'null'], ['integer', 'string', 'null'], []),
    enum: fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant(null)), { maxLength: 3 }),
    const: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    format: fc.constantFrom('int32', 'uri', 'date-time', 'double'),
    additionalProperties: fc.oneof(fc.boolean(), fc.constant({ type: 'string' })),
    exclusiveMinimum: fc.integer(),
    $ref: fc.constantFrom('#', '#/$defs/a', '#/$defs/b', '#/properties/x', '#/$defs/missing', 'https://example.test/other', '#/%'),
    description: fc.string({ maxLength: 5 }),
  },
  { requiredKeys: [] },
);

const { schema } = fc.letrec<{ schema: Wire }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf as fc.Arbitrary<Wire>,
    fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(fc.constantFrom('x', 'not', 'const', 'y'), tie('schema'), { maxKeys: 3 }),
      required: fc.constantFrom(['x'], ['x', 'gone'], []),
    }),
    fc.record({ type: fc.constant('array'), items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 })) }),
    fc.record({ anyOf: fc.array(tie('schema'), { maxLength: 3 }), description: fc.constant('d') }),
    fc.record({ oneOf: fc.array(tie('schema'), { maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { maxLength: 3 }) }),
  ) as fc.Arbitrary<Wire>,
}));

describe('schemaSubset', () => {
  it('never says a word the subset does not know, gives every node a type or a union alone, and leaves its argument as it was', () => {
    fc.assert(
      fc.property(schema, schema, schema, (root, a, b) => {
        const document = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...root, $defs: { a, b } };
        const before = JSON.stringify(document);
        for (const node of schemasOf(schemaSubset(document))) {
          expect(Object.keys(node).filter((keyword) => FORBIDDEN.includes(keyword))).toEqual([]);
          const union = node['anyOf'] !== undefined;
          expect(union ? Object.keys(node).every((keyword) => keyword === 'anyOf' || keyword === 'nullable') : typeof node['type'] === 'string').toBe(true);
          if (node['type'] === 'ARRAY') expect(isWire(node['items'])).toBe(true);
          if (Array.isArray(node['enum'])) expect(node['enum'].every((value) => typeof value === 'string')).toBe(true);
          if (Array.isArray(node['required'])) expect(node['required'].every((name) => Object.hasOwn(node['properties'] as Wire, name as string))).toBe(true);
        }
        expect(JSON.stringify(document)).toBe(before);
      }),
      { numRuns: 300 },
    );
  });

  it('ends on recursive references, also where they multiply', () => {
    const tree = {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { value: { type: 'string' }, left: { $ref: '#/$defs/node' }, right: { $ref: '#/$defs/node' } } } },
    };
    const rendered = schemaSubset(tree);
    expect(rendered).toMatchObject({ type: 'OBJECT', properties: { left: { type: 'OBJECT', properties: { left: { type: 'OBJECT' } } } } });
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `d${index}`,
        { type: 'object', properties: Object.fromEntries(Array.from({ length: 20 }, (__, next) => [`p${next}`, { $ref: `#/$defs/d${next}` }])) },
      ]),
    );
    expect(JSON.stringify(schemaSubset({ $ref: '#/$defs/d0', $defs: many })).length).toBeLessThan(2_000_000);
    expect(schemaSubset({ allOf: [{ $ref: '#' }] })).toEqual({ type: 'STRING' });
  });

  it('turns what it can say differently', () => {
    expect(schemaSubset({ type: ['string', 'null'], description: 'd' })).toEqual({ type: 'STRING', nullable: true, description: 'd' });
    expect(schemaSubset({ const: 'a' })).toEqual({ type: 'STRING', enum: ['a'] });
    expect(schemaSubset({ type: 'integer', enum: [1, 2] })).toEqual({ type: 'INTEGER', description: 'One of: 1, 2.' });
    expect(schemaSubset({ type: 'array' })).toEqual({ type: 'ARRAY', items: { type: 'STRING' } });
    expect(schemaSubset({ type: 'string', format: 'uri' })).toEqual({ type: 'STRING' });
    expect(schemaSubset({ oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] })).toEqual({
      anyOf: [
        { type: 'STRING', nullable: true },
        { type: 'INTEGER', nullable: true },
      ],
    });
    expect(
      schemaSubset({
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
          { properties: { b: { type: 'number' } }, required: ['b'] },
        ],
      }),
    ).toEqual({ type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'NUMBER' } }, required: ['a', 'b'] });
  });

  it('splits a list of types so that no keyword stands beside the union (vercel/ai pull 19000)', () => {
    expect(schemaSubset({ type: ['string', 'object', 'null'], required: ['path'], properties: { path: { type: 'string' } } })).toEqual({
      anyOf: [
        { type: 'STRING', nullable: true },
        { type: 'OBJECT', properties: { path: { type: 'STRING' } }, required: ['path'], nullable: true },
      ],
    });
  });
});

describe('responseSchema', () => {
  it('keeps what responseJsonSchema knows and lets nothing stand beside a reference', () => {
    expect(
      responseSchema({
        $schema: 'x',
        type: 'object',
        properties: { a: { const: 1 }, b: { $ref: '#/$defs/b', description: 'gone' } },
        additionalProperties: false,
        $defs: { b: { type: 'string', pattern: 'gone' } },
      }),
    ).toEqual({ type: 'object', properties: { a: { enum: [1] }, b: { $ref: '#/$defs/b' } }, additionalProperties: false, $defs: { b: { type: 'string' } } });
  });
});
