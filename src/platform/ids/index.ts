export { base62, newId, newRequestId, randomDigits } from './ids.js';
