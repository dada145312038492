export { cacheEffectOf, NO_CACHE_EFFECT, type CacheEffect } from './cache-effect.js';
export { chargeFor, isBelievable, NO_UNITS, totalFor, type Charge, type ChargeUnits } from './charge.js';
export { convertUsd, decimalsOf, isCurrency, viewOfUsd, type ExchangeRate } from './currency.js';
export { holdAmount, promptUpperBound, unpricedClassesOf, type HoldEstimate } from './hold-amount.js';
export { parsePrice, PRICE_FIELDS, renderPrice } from './parse-price.js';
export { parsePricePlan, planOf, priceAt, priceHoldsUntilMs, renderPricePlan, type PricePlan } from './price-plan.js';
export type { Price, PriceTier, TokenPrices } from './price.js';
export { formatUsd, InvalidAmountError, MAX_AMOUNT_NANO_USD, NANO_PER_USD, parseUsd } from './usd.js';
