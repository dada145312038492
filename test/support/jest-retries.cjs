/**
 * Suites over real processes, databases and deadlines of milliseconds share two cores with each other: what fails once is
 * tried twice more and named in the report as retried, so that a flake is seen and a regression still fails.
 */
const REAL = /[\\/]test[\\/](e2e|integration|security)[\\/]/;

if (REAL.test(expect.getState().testPath ?? '')) jest.retryTimes(2, { logErrorsBeforeRetry: true });
