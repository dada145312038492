import type { ChatRequest, FunctionTool } from '../chat/request.js';
import type { AdjustmentReport } from './adjustment-report.js';

/**
 * The functions a request offers, for protocols whose `tool_choice` names no tool: one named tool, or a list of allowed ones, is
 * those with no other in sight. What only another protocol knows is reported as dropped.
 */
export function offeredTools(request: ChatRequest, report: AdjustmentReport): FunctionTool[] {
  const choice = request.toolChoice;
  const names = choice?.type === 'tool' ? [choice.name] : choice?.type === 'allowed' ? choice.names : null;
  if (names !== null) report.add('toolChoice', 'emulated', 'only the named tools are sent');
  return request.tools.flatMap((tool, index) => {
    if (tool.type === 'opaque') report.addNamed(`tools[${index}]`, 'dropped', tool.name);
    return tool.type === 'opaque' || names?.includes(tool.name) === false ? [] : [tool];
  });
}

/** The request leaves the model no way around a tool. */
export function forcesTool({ toolChoice }: ChatRequest): boolean {
  return toolChoice?.type === 'required' || toolChoice?.type === 'tool' || (toolChoice?.type === 'allowed' && toolChoice.mode === 'required');
}
