export { classify, type Outcome, type OurLine, type ReconciledLine } from './classify.js';
export { MAPPING_NAMES, parseReport, type ReportLine, type ReportMapping } from './parse-report.js';
