#!/bin/sh
# The one test command: installs what is stale, then runs every suite on the Node that the packages bring.
set -eu
cd "$(dirname "$0")/.."
node scripts/install.mjs
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
# `env` looks the path up afresh: the shell has cached the older Node that installed.
exec env node scripts/run-tests.mjs "$@"
