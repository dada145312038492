export { nearestNames } from './nearest.js';
