/** Seeded 32-bit generator (mulberry32): the same seed gives the same plan, in tests and when a logged request is explained again. */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in (0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4_294_967_296;
  }
}

/** FNV-1a with a final mix, 32 bits: spreads affinity keys, no security. */
export function hash32(text: string): number {
  return mixed(fold(FNV_BASIS, text));
}

const FNV_BASIS = 0x811c9dc5;

function fold(basis: number, text: string): number {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

function mixed(folded: number): number {
  let hash = folded;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Sorting by this draws without replacement in proportion to the weights (Efraimidis and Spirakis 2006): smallest first.
 * With `u` from the seed it is a weighted draw, with `u` from a hash of key and member it is weighted rendezvous hashing.
 */
export function weightedRank(u: number, weight: number): number {
  return weight > 0 ? -Math.log(u) / weight : Number.POSITIVE_INFINITY;
}

/** The part of a rendezvous hash that all members share. */
export function rendezvousBasis(key: string): number {
  return fold(FNV_BASIS, `${key}\u0000`);
}

export function rendezvousRank(basis: number, member: string, weight: number): number {
  return weightedRank((mixed(fold(basis, member)) + 0.5) / 4_294_967_296, weight);
}
