import { renderRate } from '../../billing/index.js';
import { convertUsd, decimalsOf, formatUsd } from '../../core/pricing/index.js';
import type { StatementDocument } from './statement-document.js';

export function renderStatement({ statement, organizationName, projectNames, rate }: StatementDocument): Record<string, unknown> {
  return {
    object: 'statement',
    organization_id: statement.organizationId,
    organization_name: organizationName,
    month: statement.month,
    timezone: statement.timezone,
    from: new Date(statement.fromMs).toISOString(),
    to: new Date(statement.toMs).toISOString(),
    final: statement.final,
    opening_balance_usd: formatUsd(statement.openingNanoUsd),
    granted_usd: formatUsd(statement.grantedNanoUsd),
    refunded_usd: formatUsd(statement.refundedNanoUsd),
    expired_usd: formatUsd(statement.expiredNanoUsd),
    usage_usd: formatUsd(statement.usageNanoUsd),
    closing_balance_usd: formatUsd(statement.closingNanoUsd),
    ...(rate !== null && {
      view: {
        ...renderRate(rate),
        usage: convertUsd(statement.usageNanoUsd, rate, decimalsOf(rate.currency)),
        closing_balance: convertUsd(statement.closingNanoUsd, rate, decimalsOf(rate.currency)),
      },
    }),
    usage: statement.usage.map((line) => ({
      project_id: line.projectId,
      project_name: projectNames.get(line.projectId) ?? null,
      model: line.model,
      requests: line.requestCount,
      prompt_tokens: line.promptTokenCount,
      completion_tokens: line.completionTokenCount,
      amount_usd: formatUsd(line.amountNanoUsd),
    })),
    movements: statement.movements.map((movement) => ({
      kind: movement.kind,
      at: new Date(movement.atMs).toISOString(),
      transaction_id: String(movement.transactionId),
      request_id: movement.requestId,
      reason: movement.reason,
      amount_usd: formatUsd(movement.amountNanoUsd),
    })),
    movements_left_out: statement.movementsLeftOutCount,
  };
}
