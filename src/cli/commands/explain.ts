import { UsageError, findValue, type Command, type CommandContext } from '../command.js';
import { cell, renderTable } from '../table.js';

interface Considered {
  provider: string;
  model: string;
  zone?: string | null;
  place?: number | null;
  excluded?: string | null;
  reasons: string[];
}

interface Attempt {
  number: number;
  provider: string;
  kind: string;
  outcome: string;
  status: number | null;
  error_code: string | null;
  total_ms: number;
}

/** A decision, planned now or read from the log. */
interface Decision {
  candidates: Considered[];
  strategy?: string | null;
  route?: string | null;
  arm?: string | null;
  explored?: boolean;
  affinity?: { source: string } | null;
  refusal?: { status: number; code: string; message: string } | null;
}

interface Logged extends Decision {
  model: string;
  served_model: string | null;
  provider: string | null;
  status: number;
  error_code: string | null;
  error_message: string | null;
  fallback: string | null;
  attempts: Attempt[];
  routing: (Pick<Decision, 'affinity' | 'arm' | 'explored'> & { prompt_tokens: number; needs: string[] }) | null;
}

export const explain: Command = {
  name: 'explain',
  summary: 'say who would serve a request, or why a logged one went where it did; nothing is sent',
  usage: ['og explain REQUEST_ID [--again]', 'og explain -m MODEL [--key KEY_ID] [--draft DRAFT_ID] [--tokens N] [--tag TAG] [--session ID] [--endpoint KIND] [--stream] [--at TIME]'],
  examples: ['og explain req_0ABC', 'og explain req_0ABC --again', 'og explain -m sandbox/echo', 'og explain -m gpt-5 --draft rdf_0ABC --tokens 150000'],
  options: {
    model: { type: 'string', short: 'm', value: 'MODEL', describe: 'a request for this model' },
    key: { type: 'string', value: 'KEY_ID', describe: 'as this virtual key' },
    request: { type: 'string', value: 'REQUEST_ID', describe: 'the same as REQUEST_ID' },
    again: { type: 'boolean', describe: 'plan the logged request again, as things stand today' },
    draft: { type: 'string', value: 'DRAFT_ID', describe: 'as if this draft of routes were in force' },
    tokens: { type: 'string', value: 'N', describe: 'as if the prompt had so many tokens' },
    tag: { type: 'string', value: 'TAG', describe: 'with this tag (several: a,b)' },
    session: { type: 'string', value: 'ID', describe: 'of this session' },
    endpoint: { type: 'string', value: 'KIND', describe: 'as this kind of call: embeddings, rerank, images …' },
    stream: { type: 'boolean', describe: 'as a stream' },
    at: { type: 'string', value: 'TIME', describe: 'as if it were then: 2026-11-30T09:00:00Z' },
  },
  async run(context) {
    const requestId = context.positionals[0] ?? findValue(context, 'request');
    const isPlannedNow = requestId === undefined || context.values['again'] === true || findValue(context, 'draft') !== undefined;
    const decision = isPlannedNow ? await plan(context, requestId) : await context.client.get<Logged>(`requests/${encodeURIComponent(requestId)}`);
    if (context.json) context.print(JSON.stringify(decision, null, 2));
    else context.print(isPlannedNow ? renderDecision(decision) : renderLogged(decision as Logged));
    return 0;
  },
};

function plan(context: CommandContext, requestId: string | undefined): Promise<Decision> {
  const model = findValue(context, 'model');
  if (model === undefined && requestId === undefined) throw new UsageError('say REQUEST_ID or --model');
  const asked = requestId === undefined ? { request: { model, messages: [{ role: 'user', content: 'Hello' }], stream: context.values['stream'] === true } } : { request_id: requestId };
  return context.client.send<Decision>('POST', 'routes/explain', {
    ...asked,
    key_id: findValue(context, 'key'),
    draft_id: findValue(context, 'draft'),
    prompt_tokens: count(findValue(context, 'tokens')),
    tags: findValue(context, 'tag')?.split(','),
    session_id: findValue(context, 'session'),
    endpoint: findValue(context, 'endpoint'),
    at: findValue(context, 'at'),
  });
}

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError('--tokens takes a whole number');
  return Number(text);
}

function renderDecision(decision: Decision): string {
  const lines = [headOf(decision), renderCandidates(decision.candidates)];
  if (decision.refusal != null) lines.push(`nobody is asked: ${decision.refusal.status} ${decision.refusal.code}: ${decision.refusal.message}`);
  return lines.join('\n');
}

/** What was decided, then what came of it. */
function renderLogged(logged: Logged): string {
  const { routing } = logged;
  const lines = [`asked for ${logged.model}${routing === null ? '' : ` · ${needsOf(routing)}`}`, headOf({ ...logged, ...routing }), renderCandidates(logged.candidates)];
  if (logged.attempts.length > 0) lines.push('what came of it:', ...logged.attempts.map(renderAttempt), outcomeOf(logged));
  else lines.push(outcomeOf(logged));
  return lines.join('\n');
}

function needsOf({ prompt_tokens: tokens, needs }: NonNullable<Logged['routing']>): string {
  return `about ${tokens} prompt tokens${needs.length === 0 ? '' : `, needs ${needs.join(', ')}`}`;
}

function outcomeOf(logged: Logged): string {
  const served = logged.provider === null ? 'nobody was asked' : `${logged.provider} was asked last, for ${logged.served_model ?? logged.model}`;
  const fallback = logged.fallback === null ? '' : ` (${logged.fallback})`;
  const why = logged.error_message === null ? '' : `\n  ${logged.error_message}`;
  return `the client got ${logged.status}${logged.error_code === null ? '' : ` ${logged.error_code}`}: ${served}${fallback}${why}`;
}

function headOf(decision: Decision): string {
  const words = [`route ${decision.route ?? '(none)'}`, `strategy ${decision.strategy ?? 'balanced'}`];
  if (decision.arm != null) words.push(`arm ${decision.arm}`);
  if (decision.affinity != null) words.push(`kept together by ${decision.affinity.source}`);
  if (decision.explored === true) words.push('exploring (1 % of requests)');
  return words.join(' · ');
}

function renderCandidates(candidates: readonly Considered[]): string {
  const ordered = [...candidates].sort((a, b) => (a.place ?? Infinity) - (b.place ?? Infinity));
  const rows = ordered.map((candidate) => [
    candidate.place == null ? '✗' : `${candidate.place}.`,
    candidate.provider,
    candidate.model,
    cell(candidate.zone),
    candidate.excluded ?? '',
    candidate.reasons.join('; '),
  ]);
  return renderTable(['', 'PROVIDER', 'MODEL', 'ZONE', 'EXCLUDED', 'WHY'], rows);
}

function renderAttempt({ number, provider, kind, outcome, status, error_code: code, total_ms: totalMs }: Attempt): string {
  const what = outcome === 'ok' ? 'answered' : `${outcome}${status === null ? '' : ` ${status}`}${code === null ? '' : ` ${code}`}`;
  return `  ${number}. ${provider} (${kind}): ${what} after ${Math.round(totalMs)} ms`;
}
