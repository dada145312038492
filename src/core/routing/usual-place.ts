import { MIN_SAMPLES } from './wilson.js';

/** What decides a candidate's place when nothing unusual does: numbers, worded when somebody reads them. Availability in hundredths. */
export type UsualPlace = readonly [priority: number, band: number, availability: number, samples: number, weight: number];

export function wordsOfUsualPlace([priority, band, availability, samples, weight]: UsualPlace): string[] {
  return [priorityWords(priority), availabilityWords(band, availability, samples), weightWords(weight)];
}

export const priorityWords = (priority: number): string => `priority ${priority}`;
export const weightWords = (weight: number): string => `weight ${weight}`;

export function availabilityWords(band: number, availability: number, samples: number): string {
  if (samples < MIN_SAMPLES) return `availability band ${band} (${samples} samples say nothing yet)`;
  return `availability band ${band} (at least ${(availability / 100).toFixed(2)} over ${samples} samples)`;
}
