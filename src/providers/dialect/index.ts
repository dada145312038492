export { DialectReport } from './dialect-report.js';
export type { Wire } from './member.js';
export { applyModelParameters } from './model-parameters.js';
export { applyWords, type RequestVocabulary, type RequestWord } from './words.js';
