export { loadSecrets } from './load-secrets.js';
export { loadOperatorToken, OperatorToken } from './operator-token.js';
export { equalSecrets, SecretError, Secrets } from './secrets.js';
export { generateToken, isWellFormedToken, type TokenPrefix } from './token.js';
