export { AFTERWARDS, TurnBatch, type TurnPlace } from './turn-batch.js';
export { TURN_STAGES } from './turn-stages.js';
