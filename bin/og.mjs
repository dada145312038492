#!/usr/bin/env node
// The operator's command line. Built with the rest: `npm run build` or `npm start` makes dist.
const { main } = await import('../dist/src/cli/main.js').catch((error) => {
  process.stderr.write(`error: og is not built · ${error.message} · run "npm run build" first\n`);
  process.exit(1);
});
process.exitCode = await main(process.argv.slice(2), process.env);
