export { parseError } from './parse-error.js';
export { renderError } from './render-error.js';
