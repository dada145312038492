import type { Deployment } from '../core/catalog/model.js';
import type { RequestNeeds } from '../core/chat/request.js';
import type { BudgetCeiling, HoldRequest } from '../core/ledger/settlement.js';
import type { Caller } from '../core/policy/caller.js';
import { holdAmount, parseUsd } from '../core/pricing/index.js';
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
  const { caller, needs } = exchange;
  const amounts = plan.attempts.map(({ deployment }) =>
    deployment.price === null
      ? 0n
      : holdAmount(
          {
            promptTokens: needs.promptTokensEstimate,
            maxOutputTokens: maxOutputTokensOf(needs, deployment),
            choices: needs.choices,
            audioInput: needs.audioInput,
            audioOutput: needs.audioOutput,
            imageOutput: needs.imageOutput,
            ...exchange.operation?.request.bounds.units,
          },
          [deployment.price],
        ),
  );
  return {
    requestId: exchange.requestId,
    organizationId: caller.organizationId,
    projectId: caller.projectId,
    keyId: caller.keyId,
    budgets: budgetsOf(caller),
    model: plan.model.id,
    amountNanoUsd: amounts.reduce((most, amount) => (amount > most ? amount : most), 0n),
    receivedAtMs: exchange.receivedAtMs,
    timezone: caller.timezone,
    strict: !leases,
  };
}

function budgetsOf(caller: Caller): BudgetCeiling[] {
  return caller.layers.flatMap(({ layer, id, budget }) =>
    budget === undefined ? [] : [{ scope: layer, id, amountNanoUsd: parseUsd(budget.amount_usd), period: budget.period }],
  );
}
