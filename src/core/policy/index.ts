export type { AllowDeny, Budget, Caller, CallerLayer, LayerName, Limits, Policy, Schedule, SubstitutionLevel } from './caller.js';
export { decide, denyModel, mayUseModel, type Permission, type PolicyDecision, type PolicyQuestion, type QuestionModel } from './decide.js';
export { denyDeployment, type DeploymentQuestion } from './decide-deployment.js';
export { denialError, type Denial } from './decision.js';
export { effectivePolicy, effectiveStore, effectiveStrictParams, narrowStore } from './effective-policy.js';
export { parseBudget, parseLimits } from './parse-limits.js';
export { parsePolicy } from './parse-policy.js';
export { parseSchedule } from './parse-schedule.js';
export { isTimezone } from './schedule.js';
