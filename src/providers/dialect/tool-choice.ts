import type { DialectReport } from './dialect-report.js';
import { isRecord, type Wire } from './member.js';

export interface ToolChoiceMap {
  /** The provider's word for `required`. */
  readonly required?: string;
  /** `narrow`: one tool cannot be named, so only that one is offered and its use required. */
  readonly named?: 'narrow';
  /** `narrow`: `allowed_tools` is not known, so only the allowed ones are offered, with its mode. */
  readonly allowed?: 'narrow';
}

export function toolChoice(wire: Wire, map: ToolChoiceMap, report: DialectReport): Wire {
  const choice = wire['tool_choice'];
  if (choice === 'required') return map.required === undefined ? wire : { ...wire, tool_choice: map.required };
  if (map.allowed !== undefined && isRecord(choice) && choice['type'] === 'allowed_tools') return allowedOnly(wire, choice['allowed_tools'], report);
  const name = namedTool(choice);
  if (name === null || map.named === undefined) return wire;
  const tools = Array.isArray(wire['tools']) ? (wire['tools'] as unknown[]) : [];
  report.add('tool_choice', 'emulated', 'one tool offered');
  return { ...wire, tools: tools.filter((tool) => nameOf(tool) === name), tool_choice: map.required ?? 'required' };
}

function allowedOnly(wire: Wire, allowed: unknown, report: DialectReport): Wire {
  if (!isRecord(allowed) || !Array.isArray(allowed['tools']) || !Array.isArray(wire['tools'])) return wire;
  const names = new Set((allowed['tools'] as unknown[]).map(nameOf));
  report.add('tool_choice', 'emulated', 'allowed tools offered');
  return { ...wire, tools: (wire['tools'] as unknown[]).filter((tool) => names.has(nameOf(tool))), tool_choice: allowed['mode'] ?? 'auto' };
}

function namedTool(choice: unknown): string | null {
  return isRecord(choice) && choice['type'] === 'function' ? nameOf(choice) : null;
}

function nameOf(tool: unknown): string | null {
  if (!isRecord(tool) || !isRecord(tool['function'])) return null;
  const name = tool['function']['name'];
  return typeof name === 'string' ? name : null;
}
