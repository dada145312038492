export { modelEndpoint } from './endpoint.js';
export { exceptionFacts, parseError } from './parse-error.js';
