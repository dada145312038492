import type { DialectReport } from './dialect-report.js';
import { isRecord, type Wire } from './member.js';

/** The schema becomes an instruction behind the leading system messages, so that a cached prefix before it stays valid. */
export function responseFormat(wire: Wire, _argument: 'json_object', report: DialectReport): Wire {
  const format = wire['response_format'];
  if (!isRecord(format) || format['type'] !== 'json_schema' || !Array.isArray(wire['messages'])) return wire;
  const schema = isRecord(format['json_schema']) ? format['json_schema']['schema'] : undefined;
  const instruction = {
    role: 'system',
    content: `Answer with one JSON object and nothing else. It must be valid against this JSON schema:\n${JSON.stringify(schema ?? {})}`,
  };
  const messages = wire['messages'] as unknown[];
  const firstOther = messages.findIndex((message) => !isRecord(message) || (message['role'] !== 'system' && message['role'] !== 'developer'));
  const at = firstOther < 0 ? messages.length : firstOther;
  report.add('response_format', 'emulated', 'json_object');
  return { ...wire, response_format: { type: 'json_object' }, messages: messages.toSpliced(at, 0, instruction) };
}
