export { countTokens } from './count-tokens.js';
export { SANDBOX_MODELS } from './models.js';
export { SandboxModule } from './sandbox.module.js';
export { SandboxTransport } from './sandbox-transport.js';
export { SandboxTimer, SystemSandboxTimer } from './timer.js';
