/** Writes what ran as JSON for run-tests.mjs, which prints the last lines after jest's own. */
const { readFileSync, writeFileSync } = require('node:fs');
const { relative } = require('node:path');

/** How a test file shows what it needs: by what it imports. */
const REAL_THINGS = {
  PostgreSQL: /support\/(database|gateway-process)|startEmbeddedPostgres/,
  Redis: /support\/redis/,
  sockets: /support\/(gateway-process|upstream|simulator|http)|from '(node:http|node:net|node:http2|undici)'|\bfetch\(/,
};

class TestReporter {
  constructor(globalConfig) {
    this.rootDir = globalConfig.rootDir;
    this.file = process.env.OGTEST_SUMMARY;
  }

  onRunComplete(_contexts, results) {
    const summary = { passed: results.numPassedTests, failed: results.numFailedTests, skipped: results.numPendingTests, real: {}, failures: [], retried: [], skippedSuites: [] };
    for (const name of Object.keys(REAL_THINGS)) summary.real[name] = 0;
    for (const suite of results.testResults) this.addSuite(suite, summary);
    writeFileSync(this.file, JSON.stringify(summary));
  }

  addSuite(suite, summary) {
    const path = relative(this.rootDir, suite.testFilePath);
    const source = readFileSync(suite.testFilePath, 'utf8');
    const ran = suite.numPassingTests + suite.numFailingTests;
    for (const [name, pattern] of Object.entries(REAL_THINGS)) if (pattern.test(source)) summary.real[name] += ran;
    if (suite.testExecError !== undefined && suite.testExecError !== null && suite.numFailingTests === 0) {
      summary.failed += 1;
      summary.failures.push(`${path}: did not run`);
    }
    this.addTests(suite, path, summary);
  }

  addTests(suite, path, summary) {
    const named = (tests) => tests.map((test) => `${path}: ${test.fullName}`);
    summary.failures.push(...named(suite.testResults.filter((test) => test.status === 'failed')));
    summary.retried.push(...named(suite.testResults.filter((test) => test.status === 'passed' && test.invocations > 1)));
    const skipped = suite.testResults.filter((test) => test.status === 'pending');
    if (skipped.length > 0) summary.skippedSuites.push(`${path}: ${[...new Set(skipped.map((test) => test.ancestorTitles[0] ?? test.title))].join('; ')} (${skipped.length})`);
  }
}

module.exports = TestReporter;
