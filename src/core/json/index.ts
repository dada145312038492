export { asciiJson, jsonString, jsonText } from './json-string.js';
export { closingQuote, onlyStringNamed } from './only-string.js';
export { scanBody, type ScanLimits, type ScannedBody } from './scan-body.js';
export { spliceBody } from './splice-body.js';
export { Fields, isObject, kindOf, type JsonObject, type NumberRange } from './fields.js';
export { JsonBytes } from './json-bytes.js';
export { literal, literalOf, member, type Literal } from './json-literal.js';
