import type { RequestNeeds } from '../chat/request.js';
import type { ParameterAdjustment } from '../chat/parameter-report.js';
import type { Caller, Policy } from './caller.js';
import { parseAddress, rangeContains } from './cidr.js';
import { compiledCallerOf, type CompiledLayer } from './compile.js';
import { deny, refusedBy, type Denial } from './decision.js';

/** The catalogue's own object of a model: it must not change once it was asked about. */
export interface QuestionModel {
  /** Public id, after aliases are resolved. */
  readonly id: string;
  readonly aliases?: readonly string[];
  readonly class?: string;
}

/** What a request asks for. What is left out is not judged, so every endpoint asks with what it has. */
export interface PolicyQuestion {
  readonly nowMs: number;
  /** The client's address; undefined is unknown, which an `ips` rule refuses. */
  readonly clientIp?: string | undefined;
  readonly model?: QuestionModel;
  readonly streaming?: boolean;
  readonly needs?: Partial<Pick<RequestNeeds, 'reasoning' | 'vision' | 'imageOutput' | 'audioInput' | 'audioOutput' | 'tools'>>;
  /** Present when the endpoint generates text: the client's own maximum, or undefined when it gave none. */
  readonly output?: { readonly maxTokens: number | undefined; readonly parameter: string };
}

export interface Permission {
  readonly allowed: true;
  /** What to send upstream as maximum; undefined when neither client nor policy gives one. */
  readonly maxOutputTokens: number | undefined;
  readonly adjustments: readonly ParameterAdjustment[];
}

export type PolicyDecision = Permission | Denial;

type Judge = (layer: CompiledLayer, question: PolicyQuestion, caller: Caller) => Denial | null;

const JUDGES: readonly Judge[] = [judgeAddress, judgeSchedule, judgeModel, judgeStreaming, judgeCapabilities];
const NOTHING_ADJUSTED: readonly ParameterAdjustment[] = Object.freeze([]);

/** The one decision point of every endpoint, before routing. Each layer can only refuse: none can allow what another refuses. */
export function decide(caller: Caller, question: PolicyQuestion): PolicyDecision {
  const { ofRequests, maxOutputTokens } = compiledCallerOf(caller);
  for (const layer of ofRequests) {
    for (const judge of JUDGES) {
      const denial = judge(layer, question, caller);
      if (denial !== null) return denial;
    }
  }
  return question.output === undefined
    ? { allowed: true, maxOutputTokens: undefined, adjustments: NOTHING_ADJUSTED }
    : boundOutput(question.output, maxOutputTokens);
}

/** The first layer's refusal of a model, whatever the hour and address: for the planner, which asks it of every model it considers. */
export function denyModel(caller: Caller, model: QuestionModel): Denial | null {
  for (const layer of compiledCallerOf(caller).ofModels) {
    const denial = verdictOn(layer, model);
    if (denial !== null) return denial;
  }
  return null;
}

/** Whether the caller may ever use the model: for lists and for names near to a misspelt one. */
export function mayUseModel(caller: Caller, model: QuestionModel): boolean {
  return denyModel(caller, model) === null;
}

function boundOutput(output: NonNullable<PolicyQuestion['output']>, cap: number | null): Permission {
  if (cap === null || (output.maxTokens !== undefined && output.maxTokens <= cap)) {
    return { allowed: true, maxOutputTokens: output.maxTokens, adjustments: NOTHING_ADJUSTED };
  }
  const action = output.maxTokens === undefined ? 'defaulted' : 'clamped';
  return { allowed: true, maxOutputTokens: cap, adjustments: [{ parameter: output.parameter, action, detail: String(cap) }] };
}

function judgeAddress(layer: CompiledLayer, { clientIp }: PolicyQuestion): Denial | null {
  if (layer.ips === null) return null;
  const address = clientIp === undefined ? null : parseAddress(clientIp);
  if (address !== null && layer.ips.some((range) => rangeContains(range, address))) return null;
  return deny(layer, { code: 'ip_not_allowed', rule: 'ips', subject: `The address ${address === null ? '(unknown)' : clientIp}` });
}

function judgeSchedule(layer: CompiledLayer, { nowMs }: PolicyQuestion, caller: Caller): Denial | null {
  if (layer.schedule === null || layer.schedule.allows(nowMs, caller.timezone)) return null;
  const detail = `it allows ${layer.schedule.text}${layer.policy.schedule?.timezone === undefined ? ` ${caller.timezone}` : ''}`;
  return deny(layer, { code: 'schedule_not_allowed', rule: 'schedule', subject: 'A call at this time', detail });
}

function judgeModel(layer: CompiledLayer, { model }: PolicyQuestion): Denial | null {
  return model === undefined ? null : verdictOn(layer, model);
}

function verdictOn(layer: CompiledLayer, model: QuestionModel): Denial | null {
  if (layer.models === null && layer.classes === null) return null;
  let verdict = layer.modelVerdicts.get(model);
  if (verdict === undefined) {
    verdict = judgeName(layer, model) ?? judgeClass(layer, model);
    layer.modelVerdicts.set(model, verdict);
  }
  return verdict;
}

function judgeName(layer: CompiledLayer, model: QuestionModel): Denial | null {
  if (layer.models === null) return null;
  const refused = refusedBy(layer.models, model.aliases === undefined ? [model.id] : [model.id, ...model.aliases]);
  if (refused === null) return null;
  return deny(layer, { code: 'model_not_allowed', rule: `models.${refused}`, subject: `The model ${model.id}` });
}

function judgeClass(layer: CompiledLayer, model: QuestionModel): Denial | null {
  if (layer.classes === null) return null;
  const refused = refusedBy(layer.classes, model.class === undefined ? [] : [model.class]);
  if (refused === null) return null;
  const subject = model.class === undefined ? `The model ${model.id}, which has no class,` : `The class ${model.class} of the model ${model.id}`;
  return deny(layer, { code: 'class_not_allowed', rule: `classes.${refused}`, subject });
}

function judgeStreaming(layer: CompiledLayer, { streaming }: PolicyQuestion): Denial | null {
  if (streaming !== true || layer.policy.streaming !== false) return null;
  return deny(layer, { code: 'streaming_not_allowed', rule: 'streaming', subject: 'Streaming' });
}

type CapabilityName = keyof NonNullable<Policy['capabilities']>;

const CAPABILITY_WORDS: readonly (readonly [CapabilityName, string])[] = [
  ['reasoning', 'Reasoning'],
  ['vision', 'Image input'],
  ['images', 'Image output'],
  ['audio', 'Audio'],
  ['tools', 'Tool use'],
];

function judgeCapabilities(layer: CompiledLayer, { needs }: PolicyQuestion): Denial | null {
  const rules = layer.policy.capabilities;
  if (rules === undefined || needs === undefined) return null;
  for (const [name, word] of CAPABILITY_WORDS) {
    if (rules[name] === false && isNeeded(name, needs)) {
      return deny(layer, { code: 'capability_not_allowed', rule: `capabilities.${name}`, subject: word });
    }
  }
  return null;
}

function isNeeded(name: CapabilityName, needs: NonNullable<PolicyQuestion['needs']>): boolean {
  if (name === 'images') return needs.imageOutput === true;
  if (name === 'audio') return needs.audioInput === true || needs.audioOutput === true;
  return needs[name] === true;
}
