import type { Deployment } from '../core/catalog/model.js';
import type { RequestNeeds } from '../core/chat/request.js';
import type { BudgetCeiling, HoldRequest } from '../core/ledger/settlement.js';
import type { Caller } from '../core/policy/caller.js';
import { holdAmount, parseUsd, type HoldEstimate } from '../core/pricing/index.js';
import type { Plan } from '../core/routing/plan.js';
import type { AdmittedExchange } from './exchange.js';

/** Without any cap from client, policy or catalogue an answer is held for at most so many tokens. */
const UNKNOWN_MAX_OUTPUT = 16_384;

/** What one choice may have at most: the client's or the policy's word, else the model's own limit. */
export function maxOutputTokensOf(needs: Pick<RequestNeeds, 'maxOutputTokens'>, { capabilities }: Pick<Deployment, 'capabilities'>): number {
  return needs.maxOutputTokens ?? capabilities.maxOutput ?? UNKNOWN_MAX_OUTPUT;
}

/** The upper bound of what this request can cost, over every deployment that may serve it. */
export function holdRequestFor(exchange: AdmittedExchange, plan: Plan, leases: boolean): HoldRequest {
  const { caller } = exchange;
  return {
    requestId: exchange.requestId,
    organizationId: caller.organizationId,
    projectId: caller.projectId,
    keyId: caller.keyId,
    budgets: budgetsOf(caller),
    model: plan.model.id,
    amountNanoUsd: dearestOf(exchange, plan),
    receivedAtMs: exchange.receivedAtMs,
    timezone: caller.timezone,
    strict: !leases,
  };
}

function dearestOf(exchange: AdmittedExchange, { attempts }: Plan): bigint {
  let most = 0n;
  for (const { deployment } of attempts) {
    const amount = deployment.price === null ? 0n : holdAmount(estimateOf(exchange, deployment), deployment.price);
    if (amount > most) most = amount;
  }
  return most;
}

function estimateOf({ needs, operation }: AdmittedExchange, deployment: Deployment): HoldEstimate {
  const units = operation?.request.bounds.units;
  return {
    promptTokens: needs.promptTokensEstimate,
    maxOutputTokens: maxOutputTokensOf(needs, deployment),
    choices: needs.choices,
    requests: units?.requests,
    images: units?.images,
    seconds: units?.seconds,
    audioInput: needs.audioInput,
    audioOutput: needs.audioOutput,
    imageOutput: needs.imageOutput,
  };
}

/** A caller's layers live as long as what it may do is known; their budgets are read once. */
const budgets = new WeakMap<Caller['layers'], readonly BudgetCeiling[]>();

function budgetsOf({ layers }: Caller): readonly BudgetCeiling[] {
  let known = budgets.get(layers);
  if (known === undefined) budgets.set(layers, (known = readBudgets(layers)));
  return known;
}

function readBudgets(layers: Caller['layers']): BudgetCeiling[] {
  return layers.flatMap(({ layer, id, budget }) =>
    budget === undefined ? [] : [{ scope: layer, id, amountNanoUsd: parseUsd(budget.amount_usd), period: budget.period }],
  );
}
