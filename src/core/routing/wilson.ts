/** 95 % two-sided. */
const Z = 1.959964;

/** Lower bound of the Wilson score interval of a success rate: what it is at least, given how few samples there are. 0 without samples. */
export function wilsonLowerBound(successes: number, samples: number): number {
  if (samples <= 0) return 0;
  const rate = Math.min(1, successes / samples);
  const z2 = Z * Z;
  const centre = rate + z2 / (2 * samples);
  const spread = Z * Math.sqrt((rate * (1 - rate) + z2 / (4 * samples)) / samples);
  return Math.max(0, (centre - spread) / (1 + z2 / samples));
}

/** Fewer samples say nothing. */
export const MIN_SAMPLES = 20;
const BAND_FLOORS = [0.7, 0.5, 0.3];

/**
 * Availability in coarse bands, 0 the best, so that noise does not reorder. One failure in 20 (bound 0.76) stays in the best band,
 * a provider that fails three times in ten (bound below 0.68 even over many samples) leaves it.
 */
export function availabilityBand(lowerBound: number, samples: number): number {
  if (samples < MIN_SAMPLES) return 0;
  const band = BAND_FLOORS.findIndex((floor) => lowerBound >= floor);
  return band === -1 ? BAND_FLOORS.length : band;
}
