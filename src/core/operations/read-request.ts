import type { ParameterAdjustment } from '../chat/parameter-report.js';
import type { Fields, JsonObject } from '../json/index.js';
import type { RenderedOperation } from './operation.js';

const MAX_MODELS = 20;

/** `model` and the client's own fallback list. */
export function modelsOf(fields: Fields): { model: string; models?: string[] } {
  const model = fields.requiredString('model');
  const models = fields.stringArray('models', MAX_MODELS);
  return models === undefined ? { model } : { model, models };
}

/** What no parser here knows: passed on where the wire is the client's own, reported as dropped elsewhere. */
export function extraOf(object: JsonObject, known: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !known.includes(name)));
}

export function dropped(names: readonly (string | false)[]): ParameterAdjustment[] {
  return names.filter((name) => name !== false).map((parameter) => ({ parameter, action: 'dropped' }));
}

export function jsonBody(wire: JsonObject, report: ParameterAdjustment[] = []): RenderedOperation {
  return { contentType: 'application/json', body: JSON.stringify(wire), report };
}
