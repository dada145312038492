import type { CatalogueRow } from '../../src/core/catalog/catalogue-row.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { UPSTREAM_PROTOCOLS } from '../../src/providers/protocols.js';
import { DEFINITIONS } from '../../src/providers/definitions/index.js';
import { catalogue, ConformanceBed } from './conformance-bed.js';

/**
 * What the catalogue says a model can do is asked of it in its provider's words: for every definition and each capability, one of its own models.
 * A capability that no model of a provider has, needs no fixture there; one that it has must arrive, or be reported, never be lost.
 */
const BYTES = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQMAAAAl21bKAAAAA1BMVEUAAACnej3aAAAACklEQVR4AWNgAAAAAgABc3UBGAAAAABJRU5ErkJggg==';
const MARKER = 'marker_in_the_schema';
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });

interface Case {
  /** The row's own name of it. */
  capability: 'vision' | 'tools' | 'jsonSchema' | 'reasoning';
  body: Record<string, unknown>;
  /** What must stand in the body that is sent … */
  arrives: RegExp;
  /** … unless this parameter is in the report. */
  reported?: string;
}

const CASES: readonly Case[] = [
  { capability: 'vision', body: user([{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${BYTES}` } }]), arrives: new RegExp(BYTES.slice(0, 40).replaceAll('+', '\\+')) },
  { capability: 'tools', body: { ...user('Hi'), tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { [MARKER]: { type: 'string' } } } } }] }, arrives: new RegExp(`weather[\\s\\S]*${MARKER}|${MARKER}[\\s\\S]*weather`) },
  { capability: 'jsonSchema', body: { ...user('Hi'), response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { type: 'object', properties: { [MARKER]: { type: 'string' } }, required: [MARKER], additionalProperties: false } } } }, arrives: new RegExp(MARKER), reported: 'response_format' },
  { capability: 'reasoning', body: { ...user('Hi'), reasoning_effort: 'low', max_tokens: 4_096 }, arrives: /reason|think|effort/i, reported: 'reasoning_effort' },
];

let bed: ConformanceBed;
beforeAll(async () => {
  bed = await ConformanceBed.start();
});
afterAll(() => bed.stop());

const rowsWith = (id: string, capability: Case['capability']): CatalogueRow[] =>
  catalogue.listByProvider(id).filter((row) => row.capabilities[capability] === true && row.endpoints.includes('chat'));

describe.each(DEFINITIONS.filter(({ inProcess }) => inProcess !== true).map((definition) => [definition.id, definition] as const))('%s', (id, definition) => {
  it.each(CASES.map((each) => [each.capability, each] as const))('%s', (capability, { body, arrives, reported }) => {
    const request = UPSTREAM_PROTOCOLS['openai-chat'].parseRequest({ model: 'public/name', ...body });
    const lost: string[] = [];
    for (const row of rowsWith(id, capability)) {
      const deployment = bed.deploymentOf(definition, row.upstreamModel);
      const sent = prepared({ deployment, request, clientProtocol: 'openai-chat' });
      if (sent instanceof GatewayError) lost.push(`${row.id}: ${sent.message}`);
      else if (!arrives.test(sent.body) && (reported === undefined || !sent.reported.includes(reported))) lost.push(row.id);
    }
    expect(lost).toEqual([]);
  });
});

function prepared(exchange: Parameters<ConformanceBed['adapter']['prepare']>[0]): { body: string; reported: string[] } | GatewayError {
  try {
    const { request, report } = bed.adapter.prepare(exchange);
    return { body: String(request.body), reported: report.map(({ parameter }) => parameter) };
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}
