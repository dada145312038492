import type { ParameterAdjustment } from '../core/chat/parameter-report.js';
import { writeUsedClasses } from '../core/chat/usage-json.js';
import { asciiJson, literal, member, type JsonBytes, type Literal } from '../core/json/index.js';
import type { ChargeLine } from '../core/ledger/settlement.js';
import type { AttemptLog, ConsideredDeployment, RequestLog, StageTimings } from '../core/request-log/request-log.js';
import { writeRoutingRecord } from '../core/routing/index.js';
import { storableJson } from '../platform/database/index.js';
import { LINE_UNIT } from './log-detail.js';
import { redact, type Redaction } from './redact.js';

const MESSAGE_LIMIT_CHARS = 4_096;
export const NAME_LIMIT_CHARS = 512;
export const TAG_LIMIT = 32;

const CLIENT_REQUEST_ID = member('client_request_id');
const UPSTREAM_MODEL = member('upstream_model');
const FINISH_REASON = member('finish_reason');
const STRATEGY = member('strategy');
const KEY_NAME = member('key_name');
const UPSTREAM_ID = member('upstream_id');
const ROUTING = member('routing');
const ERROR_MESSAGE = member('error_message');
const RAW_FINISH_REASON = member('raw_finish_reason');
const USAGE = member('usage');
const USAGE_ESTIMATED = member('usage_estimated');
const CLIENT_RETRIES = member('client_retries');
const USER_AGENT = member('user_agent');
const CLIENT_IP = member('client_ip');
const CONFIG_HASH = member('config_hash');

/** JSON without what is as usual. Everything a client or provider may have written is bounded and redacted. */
export function writeDetail(json: JsonBytes, log: RequestLog, redaction: Redaction): void {
  json.beginWhole();
  writeTimings(json, log.timings);
  textIf(json, CLIENT_REQUEST_ID, log.clientRequestId);
  textIf(json, UPSTREAM_MODEL, log.upstreamModel);
  textIf(json, FINISH_REASON, log.finishReason);
  textIf(json, STRATEGY, log.strategy);
  if (log.routing !== undefined) {
    json.beginObjectOf(ROUTING);
    writeRoutingRecord(json, log.routing);
    json.endObject();
  }
  textIf(json, KEY_NAME, log.keyName);
  textIf(json, UPSTREAM_ID, short(log.upstreamId));
  textIf(json, ERROR_MESSAGE, safe(log.errorMessage, redaction));
  textIf(json, RAW_FINISH_REASON, short(log.rawFinishReason));
  writeAttempts(json, log, redaction);
  writeCandidates(json, log.candidates);
  writeParameters(json, log.parameters);
  if (log.usage !== undefined) {
    json.beginObjectOf(USAGE);
    writeUsedClasses(json, log.usage);
    json.endObject();
  }
  if (log.usageEstimated) json.flag(USAGE_ESTIMATED, true);
  writeLines(json, log.chargeLines);
  if (log.clientRetries !== 0) json.number(CLIENT_RETRIES, log.clientRetries);
  textIf(json, USER_AGENT, safeAgent(log.userAgent, redaction));
  textIf(json, CLIENT_IP, log.clientIp);
  writeDrift(json, log.drift);
  json.text(CONFIG_HASH, log.configHash);
  json.endObject();
}

function textIf(json: JsonBytes, name: Literal, value: string | null | undefined): void {
  if (value !== undefined && value !== null) json.text(name, value);
}

function durationIf(json: JsonBytes, name: Literal, ms: number | undefined): void {
  if (ms !== undefined) json.hundredths(name, ms);
}

function safe(text: string | undefined, redaction: Redaction): string | undefined {
  return text === undefined ? undefined : redact(cut(text, MESSAGE_LIMIT_CHARS), redaction);
}

/** The last one and what it became: most requests come from few programs. */
let agent: { readonly said: string | undefined; readonly redaction: Redaction; readonly shown: string | undefined } | null = null;

function safeAgent(said: string | undefined, redaction: Redaction): string | undefined {
  if (agent === null || agent.said !== said || agent.redaction !== redaction) agent = { said, redaction, shown: safe(short(said), redaction) };
  return agent.shown;
}

function short(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cut(text, NAME_LIMIT_CHARS);
}

export function cut(text: string, limitChars: number): string {
  return text.length > limitChars ? text.slice(0, limitChars) : text;
}

const TIMINGS = member('timings');
const NULL_ITEM = literal(',null');

/** In the order of `TIMING_NAMES`; null for a stage that the request did not reach. */
function writeTimings(json: JsonBytes, timings: StageTimings): void {
  json.beginArrayOf(TIMINGS);
  json.hundredthsItem(timings.totalMs);
  durationItem(json, timings.authMs);
  durationItem(json, timings.parseMs);
  durationItem(json, timings.policyMs);
  durationItem(json, timings.limitsMs);
  durationItem(json, timings.routingMs);
  durationItem(json, timings.holdMs);
  durationItem(json, timings.connectMs);
  durationItem(json, timings.ttftMs);
  durationItem(json, timings.generationMs);
  durationItem(json, timings.settleMs);
  json.endArray();
}

function durationItem(json: JsonBytes, ms: number | undefined): void {
  if (ms === undefined) json.more(NULL_ITEM);
  else json.hundredthsItem(ms);
}

const ATTEMPTS = member('attempts');
const NUMBER = member('number');
const KIND = member('kind');
const PROVIDER = member('provider');
const DEPLOYMENT = member('deployment');
const CREDENTIAL = member('credential');
const ZONE = member('zone');
const OUTCOME = member('outcome');
const STATUS = member('status');
const ERROR_CODE = member('error_code');
const STARTED_AT = member('started_at');
const CONNECT = member('connect_ms');
const TOTAL = member('total_ms');
const FIRST_BYTE = member('first_byte_ms');

function writeAttempts(json: JsonBytes, log: RequestLog, redaction: Redaction): void {
  if (log.attempts.length === 0) return;
  json.beginArrayOf(ATTEMPTS);
  for (const attempt of log.attempts) writeAttempt(json, attempt, { candidates: log.candidates, redaction });
  json.endArray();
}

interface AttemptContext {
  readonly candidates: readonly ConsideredDeployment[];
  readonly redaction: Redaction;
}

function writeAttempt(json: JsonBytes, attempt: AttemptLog, { candidates, redaction }: AttemptContext): void {
  json.beginObject();
  if (attempt.number !== 1) json.number(NUMBER, attempt.number);
  if (attempt.kind !== 'first') json.text(KIND, attempt.kind);
  writeWhom(json, attempt, candidates);
  if (attempt.outcome !== 'ok') json.text(OUTCOME, attempt.outcome);
  if (attempt.status !== 200) json.number(STATUS, attempt.status ?? null);
  textIf(json, ERROR_CODE, attempt.errorCode);
  json.instant(STARTED_AT, attempt.startedAtMs);
  durationIf(json, CONNECT, attempt.connectMs);
  durationIf(json, FIRST_BYTE, attempt.firstByteMs);
  json.hundredths(TOTAL, attempt.totalMs);
  textIf(json, ERROR_MESSAGE, safe(attempt.errorMessage, redaction));
  json.endObject();
}

const CANDIDATE = member('candidate');

/** Which of the candidates it was, which say the rest. */
function writeWhom(json: JsonBytes, attempt: AttemptLog, candidates: readonly ConsideredDeployment[]): void {
  json.text(CREDENTIAL, attempt.credential);
  const place = candidates.findIndex(({ deployment }) => deployment.id === attempt.deployment);
  if (place >= 0) return json.number(CANDIDATE, place);
  json.text(PROVIDER, attempt.provider);
  json.text(UPSTREAM_MODEL, attempt.upstreamModel);
  json.text(DEPLOYMENT, attempt.deployment);
  textIf(json, ZONE, attempt.zone);
}

const CANDIDATES = member('candidates');
const PLACE = member('place');
const EXCLUDED = member('excluded');
const REASONS = member('reasons');
const USUAL_PLACE = member('usual_place');

function writeCandidates(json: JsonBytes, candidates: readonly ConsideredDeployment[]): void {
  if (candidates.length === 0) return;
  json.beginArrayOf(CANDIDATES);
  for (const candidate of candidates) writeCandidate(json, candidate);
  json.endArray();
}

function writeCandidate(json: JsonBytes, candidate: ConsideredDeployment): void {
  const { place } = candidate;
  json.beginObject();
  json.literal(identityOf(candidate));
  if (place !== undefined) json.number(PLACE, place);
  textIf(json, EXCLUDED, candidate.excluded);
  writeReasons(json, candidate);
  json.endObject();
}

function writeReasons(json: JsonBytes, candidate: ConsideredDeployment): void {
  const usual = candidate.usualPlace ?? null;
  if (usual === null) {
    json.beginArrayOf(REASONS);
    for (const reason of candidate.reasons) json.textItem(reason);
  } else {
    json.beginArrayOf(USUAL_PLACE);
    for (const figure of usual) json.numberItem(figure);
  }
  json.endArray();
}

interface Identity {
  readonly modelId: string;
  readonly members: Literal;
}

/** What is said of a deployment wherever it is a candidate. It stays the same as long as the deployment lives. */
const IDENTITIES = new WeakMap<ConsideredDeployment['deployment'], Identity>();

function identityOf({ deployment, model }: ConsideredDeployment): Literal {
  let identity = IDENTITIES.get(deployment);
  if (identity?.modelId !== model.id) {
    const { id, upstreamModel, provider } = deployment;
    const zone = provider.zones.length > 0 ? { zone: provider.zones.join(',') } : {};
    const json = storableJson({ provider: provider.id, model: model.id, upstream_model: upstreamModel, deployment: id, ...zone });
    identity = { modelId: model.id, members: literal(asciiJson(json).slice(1, -1)) };
    IDENTITIES.set(deployment, identity);
  }
  return identity.members;
}

const PARAMETERS = member('parameters');
const PARAMETER = member('parameter');
const ACTION = member('action');
const DETAIL = member('detail');

function writeParameters(json: JsonBytes, parameters: readonly ParameterAdjustment[]): void {
  if (parameters.length === 0) return;
  json.beginArrayOf(PARAMETERS);
  for (const { parameter, action, detail } of parameters) {
    json.beginObject();
    json.text(PARAMETER, parameter);
    json.text(ACTION, action);
    textIf(json, DETAIL, detail);
    json.endObject();
  }
  json.endArray();
}

const COST_LINES = member('cost_lines');

/** Class, quantity, price; the unit where it is not tokens. */
function writeLines(json: JsonBytes, lines: readonly ChargeLine[]): void {
  if (lines.length === 0) return;
  json.beginArrayOf(COST_LINES);
  for (const { class: name, quantity, priceNanoUsd, unit } of lines) {
    json.beginArray();
    json.textItem(name);
    json.numberItem(quantity);
    json.textItem(priceNanoUsd);
    if (unit !== LINE_UNIT) json.textItem(unit);
    json.endArray();
  }
  json.endArray();
}

const DRIFT = member('drift');

function writeDrift(json: JsonBytes, drift: readonly string[]): void {
  if (drift.length === 0) return;
  json.beginArrayOf(DRIFT);
  for (const word of drift.slice(0, TAG_LIMIT)) json.textItem(cut(word, NAME_LIMIT_CHARS));
  json.endArray();
}
