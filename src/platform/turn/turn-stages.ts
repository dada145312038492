import type { TurnPlace } from './turn-batch.js';

/** What is to run, by stage. */
const waiting: (() => void)[][] = [[], [], [], []];
let isScheduled = false;

/**
 * The stages of a turn, behind all reading that it began with and in this order. What an earlier stage puts off to a later one is
 * done in the same turn, everything else in the next.
 */
export const TURN_STAGES = {
  /** Providers' answers that are whole: read, settled. */
  answered: placeOf(0),
  /** Clients' requests: read, judged, held. */
  arrived: placeOf(1),
  /** What both have done is written to the journal; who waits for it goes on behind the last stage. */
  journaled: placeOf(2),
  /** Pieces of streams are passed on. */
  streamed: placeOf(3),
} as const;

function placeOf(stage: number): TurnPlace {
  return (run) => {
    waiting[stage]?.push(run);
    schedule();
  };
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runStages);
}

function runStages(): void {
  for (const stage of waiting) for (const run of stage.splice(0)) run();
  isScheduled = false;
  // Put off to a stage that was over.
  if (waiting.some((stage) => stage.length > 0)) schedule();
}
