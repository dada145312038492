export { betweenBlanks } from './between-blanks.js';
export { cut, positionIn, unitAt } from './units.js';
export { nearestNames } from './nearest.js';
