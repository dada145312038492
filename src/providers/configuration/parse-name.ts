import { invalid, type Fields } from '../../core/catalog/fields.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The name of a provider instance or of a credential: part of deployments' ids and of metrics. */
export function parseName(fields: Fields, name: string): string {
  const text = fields.required(name);
  if (NAME.test(text)) return text;
  throw invalid(fields.at(name), 'must be up to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit');
}
