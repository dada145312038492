import { Module } from '@nestjs/common';
import { anthropicMessages } from '../core/protocols/anthropic-messages/index.js';
import { geminiGenerate } from '../core/protocols/gemini-generate/index.js';
import { openaiChat, openaiCompletions } from '../core/protocols/openai-chat/index.js';
import { openaiResponses } from '../core/protocols/openai-responses/index.js';
import { InProcessTransport } from '../core/upstream/upstream.js';
import type { Protocols } from './read-call.js';
import { SandboxTransport } from './sandbox-transport.js';
import { SandboxTimer, SystemSandboxTimer } from './timer.js';

const PROTOCOLS: Protocols = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  'gemini-generate': geminiGenerate,
};

/** Binds the transport of providers whose upstream lives in this process. */
@Module({
  providers: [
    { provide: SandboxTimer, useClass: SystemSandboxTimer },
    { provide: InProcessTransport, useFactory: (timer: SandboxTimer) => new SandboxTransport(PROTOCOLS, timer), inject: [SandboxTimer] },
  ],
  exports: [InProcessTransport],
})
export class SandboxModule {}
