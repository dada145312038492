import { invalid, Fields } from '../../core/catalog/fields.js';
import type { CredentialField, ProviderDefinition } from '../definitions/index.js';
import { readServiceAccount } from '../upstream-auth/service-account.js';
import type { CredentialDocument } from './document.js';
import { parseName } from './parse-name.js';

const MAX_CREDENTIALS = 100;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
/** Part of a host name or path: nothing that could lead elsewhere. */
const ADDRESS_PART = /^[a-z0-9][a-z0-9:.-]{0,99}$/;
const REGION = /^[a-z0-9][a-z0-9-]{0,39}$/;
const KEY: CredentialField = { name: 'key', secret: true, form: 'token', env: [] };

/** The secret a credential had before, when the document shows it masked; undefined when there is none to keep. */
export type KeepSecret = (provider: { id: string; type: string; baseUrl: string | null }, credentialId: string) => Readonly<Record<string, string>> | undefined;

export interface Masking {
  keep: KeepSecret;
  mask: string;
}

interface Context {
  definition: ProviderDefinition;
  provider: Parameters<KeepSecret>[0];
  masking: Masking;
}

/** `credentials` of one provider: each with the fields that its definition knows. */
export function parseCredentials(fields: Fields, context: Context): CredentialDocument[] {
  const seen = new Set<string>();
  const known = credentialFields(context.definition);
  return fields.list('credentials', MAX_CREDENTIALS).map((item, index) => {
    const path = `${fields.at('credentials')}[${index}]`;
    const inner = new Fields(item, path, ['id', 'weight', ...known.map((field) => field.name)]);
    const id = inner.has('id') ? parseName(inner, 'id') : index === 0 ? 'main' : `credential-${index + 1}`;
    if (seen.has(id)) throw invalid(inner.at('id'), `is ${JSON.stringify(id)} a second time`);
    seen.add(id);
    const secrets = parseSecrets(inner, known, id, context);
    checkComplete(inner, secrets, context.definition);
    return { id, weight: inner.integer('weight', { min: 0, max: 1_000_000 }) ?? 1, secrets };
  });
}

export function credentialFields(definition: ProviderDefinition): readonly CredentialField[] {
  return [KEY, ...(definition.credentialFields ?? [])];
}

function parseSecrets(fields: Fields, known: readonly CredentialField[], id: string, context: Context): Readonly<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const field of known) {
    const text = fields.string(field.name);
    if (text !== undefined) secrets[field.name] = text === context.masking.mask ? kept(fields, field, id, context) : checked(fields, field, text);
  }
  return secrets;
}

function kept(fields: Fields, field: CredentialField, id: string, { provider, masking }: Context): string {
  const value = masking.keep(provider, id)?.[field.name];
  if (value !== undefined) return value;
  throw invalid(fields.at(field.name), 'is masked, but there is no such secret for this type and address to keep; write it out');
}

function checked(fields: Fields, field: CredentialField, text: string): string {
  if (field.form === 'json') {
    if (readServiceAccount(text) !== null) return text;
    throw invalid(
      fields.at(field.name),
      'must be the text of a Google key file (JSON with client_email and private_key); for instance "${file:/path/key.json}"',
    );
  }
  if (field.form === 'name') {
    const pattern = field.name === 'project' ? ADDRESS_PART : REGION;
    if (pattern.test(text)) return text;
    throw invalid(fields.at(field.name), 'must be lower-case letters, digits and dashes');
  }
  if (VISIBLE_ASCII.test(text)) return text;
  throw invalid(fields.at(field.name), 'must be visible ASCII characters without spaces or line breaks');
}

/** A credential that has some of its fields has all that belong together. */
function checkComplete(fields: Fields, secrets: Readonly<Record<string, string>>, definition: ProviderDefinition): void {
  const given = credentialFields(definition).filter((field) => field.secret && secrets[field.name] !== undefined);
  if (given.length === 0) return;
  const sets = definition.credentialSets ?? [['key']];
  if (sets.some((set) => set.every((name) => secrets[name] !== undefined))) return;
  throw invalid(fields.path, `is incomplete: ${sets.map((set) => set.join(' and ')).join(', or ')}`);
}
