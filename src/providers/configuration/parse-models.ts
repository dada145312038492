import { Fields, invalid } from '../../core/catalog/fields.js';
import { ENDPOINTS } from '../../core/catalog/endpoints.js';
import { parseCapabilities } from '../../core/catalog/parse-catalogue.js';
import { parsePricePlan } from '../../core/pricing/index.js';
import type { ProtocolId } from '../../core/protocols/protocol.js';
import { UPSTREAM_PROTOCOLS } from '../protocols.js';
import type { ModelDocument, ServeDocument } from './document.js';

const MODEL_FIELDS = ['id', 'name', 'aliases', 'serve', 'price', 'cost', 'capabilities', 'class', 'endpoints'];
const SERVE_FIELDS = ['provider', 'model', 'weight', 'priority', 'protocol'];
const PROTOCOLS = Object.keys(UPSTREAM_PROTOCOLS) as ProtocolId[];
const MAX_MODELS = 20_000;
const MAX_SERVE = 100;
/** Model names are path segments of `/v1/models/{id}` and labels of metrics. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,199}$/;

export function parseModels(list: readonly unknown[]): ModelDocument[] {
  if (list.length > MAX_MODELS) throw invalid('models', `must have at most ${MAX_MODELS} items`);
  const models = list.map((item, index) => parseModel(item, `models[${index}]`));
  refuseTwice(models);
  return models;
}

function parseModel(value: unknown, path: string): ModelDocument {
  const fields = new Fields(value, path, MODEL_FIELDS);
  return {
    id: modelName(fields.required('id'), fields.at('id')),
    name: fields.string('name') ?? null,
    aliases: fields.has('aliases') ? fields.strings('aliases', 50).map((alias, index) => modelName(alias, `${fields.at('aliases')}[${index}]`)) : null,
    serve: parseServe(fields),
    price: fields.has('price') ? parsePricePlan(fields.raw('price'), fields.at('price')) : null,
    cost: fields.has('cost') ? parsePricePlan(fields.raw('cost'), fields.at('cost')) : null,
    capabilities: parseCapabilities(fields.raw('capabilities'), fields.at('capabilities')),
    class: fields.string('class') ?? null,
    endpoints: parseEndpoints(fields),
  };
}

/** Undefined = the catalogue's, or where it knows nothing, whatever is asked for. */
function parseEndpoints(fields: Fields): string[] | undefined {
  if (!fields.has('endpoints')) return undefined;
  return fields.strings('endpoints', ENDPOINTS.length).map((name, index) => {
    if ((ENDPOINTS as readonly string[]).includes(name)) return name;
    throw invalid(`${fields.at('endpoints')}[${index}]`, `is ${JSON.stringify(name)}; it must be one of ${ENDPOINTS.join(', ')}`);
  });
}

function parseServe(fields: Fields): ServeDocument[] {
  const list = fields.list('serve', MAX_SERVE);
  if (list.length === 0) throw invalid(fields.at('serve'), 'is missing: a list of {provider, model} that serve this model');
  const seen = new Set<string>();
  return list.map((item, index) => {
    const inner = new Fields(item, `${fields.at('serve')}[${index}]`, SERVE_FIELDS);
    const target = `${inner.required('provider')}/${inner.required('model')}`;
    if (seen.has(target)) throw invalid(inner.at('model'), `is ${JSON.stringify(target)} a second time; one weight says how much of the traffic it gets`);
    seen.add(target);
    return {
      provider: inner.required('provider'),
      model: inner.required('model'),
      weight: inner.integer('weight', { min: 0, max: 1_000_000 }) ?? 1,
      priority: inner.integer('priority', { min: 0, max: 1_000 }) ?? 0,
      protocol: inner.oneOf('protocol', PROTOCOLS) ?? null,
    };
  });
}

function modelName(text: string, path: string): string {
  if (MODEL_NAME.test(text)) return text;
  throw invalid(path, 'must be up to 200 letters, digits and . _ : @ / + ~ -, and begin with a letter or digit');
}

/** Every public name means one model. */
function refuseTwice(models: readonly ModelDocument[]): void {
  const owner = new Map<string, string>();
  const claim = (name: string, path: string) => {
    const known = owner.get(name);
    if (known !== undefined) throw invalid(path, `is ${JSON.stringify(name)}, which stands at ${known} already`);
    owner.set(name, path);
  };
  models.forEach((model, index) => claim(model.id, `models[${index}].id`));
  models.forEach((model, index) => model.aliases?.forEach((alias, at) => claim(alias, `models[${index}].aliases[${at}]`)));
}
