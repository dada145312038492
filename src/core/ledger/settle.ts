import { NO_USAGE, type Usage } from '../chat/usage.js';
import { chargeFor, isBelievable, totalFor, type Charge, type ChargeUnits } from '../pricing/charge.js';
import type { Price } from '../pricing/price.js';
import { MAX_AMOUNT_NANO_USD } from '../pricing/usd.js';
import type { ChargeLine, Ending, SettlementPolicy } from './settlement.js';
import { basisOf, DEFAULT_POLICY, type Basis } from './settlement-table.js';
import type { EndState } from './states.js';

/** What an ending is worth, before anything is known of the ceilings. Money in nano-USD. */
export interface Outcome {
  state: EndState;
  /** What the customer owes by the policy; capturing is bounded by hold and ceilings. */
  worthNanoUsd: bigint;
  providerCostNanoUsd: bigint;
  suspenseNanoUsd: bigint;
  usage: Usage;
  units: ChargeUnits;
  estimated: boolean;
  lines: ChargeLine[];
  priceId: string | null;
}

/**
 * An ending → what it is worth, by the settlement table and the flags of the provider that answered (`policy`: of one without
 * flags). Pure; the same ending always gives the same outcome.
 */
export function settle(ending: Ending, policy: SettlementPolicy = DEFAULT_POLICY): Outcome {
  const { basis } = basisOf(ending, ending.policy ?? policy);
  if (basis === null || ending.price === null) return released(ending);
  const charged = chargeBasis(basis, ending, ending.price);
  const cost = ending.cost === null ? 0n : boundedCost(totalFor(charged.usage, ending.cost, charged.units));
  return {
    state: ending.end,
    worthNanoUsd: charged.charge.totalNanoUsd,
    providerCostNanoUsd: cost,
    suspenseNanoUsd: ending.suspenseNanoUsd,
    usage: charged.usage,
    units: charged.units,
    estimated: charged.estimated || charged.charge.unpricedClasses.length > 0,
    lines: charged.charge.lines,
    priceId: ending.price.id,
  };
}

interface ChargedBasis {
  usage: Usage;
  units: ChargeUnits;
  estimated: boolean;
  charge: Charge;
}

/** A usage whose price exceeds any real amount is not believed either: counts near 2^53 are errors of a provider. */
function chargeBasis(basis: Basis, ending: Ending, price: Price): ChargedBasis {
  const units = basis.promptOnly === true ? { requests: 0, images: 0, seconds: 0 } : unitsOf(ending);
  const charge = chargeFor(basis.usage, price, units);
  if (charge.totalNanoUsd <= MAX_AMOUNT_NANO_USD) return { usage: basis.usage, units, estimated: basis.estimated, charge };
  const delivered = isBelievable(ending.delivered) ? ending.delivered : NO_USAGE;
  const fallback = chargeFor(delivered, price, units);
  if (fallback.totalNanoUsd <= MAX_AMOUNT_NANO_USD) return { usage: delivered, units, estimated: true, charge: fallback };
  return { usage: NO_USAGE, units, estimated: true, charge: { totalNanoUsd: 0n, lines: [], unpricedClasses: [] } };
}

function unitsOf(ending: Ending): ChargeUnits {
  const count = (value: number): number => (Number.isSafeInteger(value) && value > 0 ? value : 0);
  const seconds = Number.isFinite(ending.seconds) && ending.seconds > 0 ? Math.min(ending.seconds, 1e9) : 0;
  return { requests: count(ending.requests), images: count(ending.images), seconds };
}

function boundedCost(nanoUsd: bigint): bigint {
  return nanoUsd <= MAX_AMOUNT_NANO_USD ? nanoUsd : 0n;
}

function released(ending: Ending): Outcome {
  return {
    state: ending.end,
    worthNanoUsd: 0n,
    providerCostNanoUsd: 0n,
    suspenseNanoUsd: ending.suspenseNanoUsd,
    usage: { ...NO_USAGE },
    units: { requests: 0, images: 0, seconds: 0 },
    estimated: false,
    lines: [],
    priceId: ending.price?.id ?? null,
  };
}
