#!/bin/sh
# The ledger's simulation at length: `npm run simulate -- [seeds] [requests]`. Installs what is stale first.
set -eu
cd "$(dirname "$0")/.."
node scripts/install.mjs
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
# `env` looks the path up afresh: the shell has cached the older Node that installed.
exec env node --no-warnings --experimental-transform-types --require ./test/support/typescript-hooks.cjs test/simulation/ledger/run.ts "$@"
