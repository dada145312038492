/** Members of a row that share a line, so that a changed price is one changed line of a diff. */
const LINES: readonly (readonly string[])[] = [
  ['id', 'upstream_model', 'name', 'aliases', 'class', 'endpoints', 'released', 'status', 'retired_at', 'replacement'],
  ['capabilities'],
  ['price', 'unpriced', 'cache'],
  ['parameters', 'facts'],
  ['source', 'date'],
];

type Json = Record<string, unknown>;

/** A file of `catalog/` as it is written: one row in a few lines, members in the order they have. */
export function renderCatalogueFile(document: Readonly<Json>): string {
  const { models, ...head } = document;
  const rows = (Array.isArray(models) ? (models as Json[]) : []).map(renderRow);
  const lines = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${inline(value)},`);
  return ['{', ...lines, '  "models": [', rows.join(',\n'), '  ]', '}', ''].join('\n');
}

function renderRow(row: Json): string {
  const known = LINES.map((names) => Object.keys(row).filter((name) => names.includes(name)));
  const others = Object.keys(row).filter((name) => !LINES.some((names) => names.includes(name)));
  const lines = [...known, others]
    .filter((names) => names.length > 0)
    .map((names) => `      ${names.map((name) => `${JSON.stringify(name)}: ${inline(row[name])}`).join(', ')}`);
  return `    {\n${lines.join(',\n')}\n    }`;
}

/** JSON on one line, with a space behind `:` and `,`. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${(value as unknown[]).map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}: ${inline(member)}`)
    .join(', ')}}`;
}
