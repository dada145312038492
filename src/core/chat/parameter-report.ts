export type ParameterAction = 'renamed' | 'clamped' | 'dropped' | 'emulated' | 'defaulted' | 'rejected';

/** One thing the gateway did to a parameter of the client's request. `parameter` is the client's own name for it. */
export interface ParameterAdjustment {
  parameter: string;
  action: ParameterAction;
  /** The new name or value, where there is one (`clamped:1`). */
  detail?: string;
}

/** The `x-og-params` header: `temperature=clamped:1; logit_bias=dropped`. ASCII only; at most 4 kB. */
export function renderParameterReport(report: readonly ParameterAdjustment[]): string {
  const words = report.map((item) => `${item.parameter}=${item.action}${item.detail === undefined ? '' : `:${item.detail}`}`);
  return words
    .join('; ')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 4096);
}
