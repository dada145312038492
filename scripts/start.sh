#!/bin/sh
# The one command: installs and builds what is stale, then becomes the gateway (exec: signals reach it, its exit code is ours).
set -eu
cd "$(dirname "$0")/.."
node scripts/install.mjs
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
# `env` looks the path up afresh: the shell has cached the older Node that installed (the packages bring Node 24 with them).
env node scripts/build.mjs --if-stale
# Without --no-allocation-site-pretenuring V8 may allocate whole kinds of a request's objects old, which keeps all of the request: docs/performance.md.
exec env node --max-semi-space-size=64 --no-allocation-site-pretenuring --no-parallel-scavenge --enable-source-maps dist/src/main.js
