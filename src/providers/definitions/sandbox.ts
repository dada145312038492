import type { ProviderDefinition } from './definition.js';

/** The built-in provider: its upstream lives in this process and speaks through the same adapter. */
export const sandbox: ProviderDefinition = {
  id: 'sandbox',
  name: 'OpenGateway sandbox',
  protocol: 'openai-chat',
  baseUrl: 'http://sandbox.invalid/v1',
  auth: { kind: 'none' },
  env: [],
  anonymous: true,
  inProcess: true,
  request: [],
  response: {},
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: true,
  docs: '/docs/sandbox',
  evidence: [
    {
      fact: '`.invalid` can never be resolved, should a request leave the process by mistake',
      source: 'https://www.rfc-editor.org/rfc/rfc2606',
      date: '2026-11-21',
    },
  ],
};
