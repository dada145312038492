#!/bin/sh
# Measures the gateway against bare proxies: `npm run bench -- --help`. Installs and builds what is stale first.
set -eu
cd "$(dirname "$0")/.."
node scripts/install.mjs
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
# `env` looks the path up afresh: the shell has cached the older Node that installed.
env node scripts/build.mjs --if-stale
exec env node bench/run.mjs "$@"
