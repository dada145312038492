import type { ModelParameters } from '../../core/catalog/model.js';
import type { DialectReport } from './dialect-report.js';
import { clamp, type Range } from './clamp.js';
import { effort, nearestEffort, type EffortMap } from './effort.js';
import { isRecord, memberAt, withMember, type Wire } from './member.js';
import { omit } from './omit.js';

/** OpenAI takes these again from gpt-5.1 on when the model does not reason (spec providers.md 5.1, read 2026-11-21). */
const SAMPLING: ReadonlySet<string> = new Set(['temperature', 'top_p', 'logprobs', 'top_logprobs']);

/** Chat Completions and Responses. */
const EFFORT_AT: readonly string[] = ['reasoning_effort', 'reasoning.effort'];

/**
 * What one model takes, after its provider's dialect: catalogue `parameters` (omit, clamp), and of `modelFacts` for
 * openai-chat and openai-responses: `efforts` (accepted values), `effortMap` (value → the model's own word), `samplingWithoutReasoning` with `defaultEffort` (sampling parameters pass while effort is `none`).
 */
export function applyModelParameters(
  wire: Wire,
  model: { parameters: ModelParameters; modelFacts: Readonly<Record<string, unknown>> },
  report: DialectReport,
): Wire {
  const map = model.modelFacts['effortMap'];
  const mapped = isRecord(map) ? effort(wire, map as EffortMap, report) : wire;
  let next = fitEffort(mapped, model.modelFacts, report);
  const reasons = !isReasoningOff(next, model.modelFacts);
  for (const [path, rule] of Object.entries(model.parameters)) {
    if (rule !== 'omit') next = clamp(next, { [path]: rule as Range }, report);
    else if (reasons || !SAMPLING.has(path)) next = omit(next, [path], report);
  }
  return next;
}

function fitEffort(wire: Wire, facts: Readonly<Record<string, unknown>>, report: DialectReport): Wire {
  const path = EFFORT_AT.find((name) => memberAt(wire, name) !== undefined);
  const given = path === undefined ? undefined : memberAt(wire, path);
  const accepted = facts['efforts'];
  if (path === undefined || typeof given !== 'string' || !Array.isArray(accepted) || accepted.length === 0) return wire;
  const nearest = nearestEffort(given, accepted as string[]);
  if (nearest === null) return wire;
  report.add('reasoning_effort', 'clamped', nearest);
  return withMember(wire, path, nearest);
}

function isReasoningOff(wire: Wire, facts: Readonly<Record<string, unknown>>): boolean {
  if (facts['samplingWithoutReasoning'] !== true) return false;
  return (memberAt(wire, 'reasoning_effort') ?? facts['defaultEffort']) === 'none';
}
