export type { Call, SpokenProtocol } from './call.js';
export { bodyBytes, Corpus, type Exchange, type ExpectedAnswer } from './corpus.js';
export type { RecordedRequest } from './recorded-request.js';
export { answers, fails, replays, sends, sendsRaw, type Answer, type Fault, type Scenario, type Transport, type UsagePlacement } from './scenario.js';
export { UpstreamSimulator, type Behaviour, type SimulatorStats } from './simulator.js';
