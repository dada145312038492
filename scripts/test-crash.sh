#!/bin/sh
# The whole crash matrix: kill -9 at every failpoint × database × kind × ledger mode (about eight minutes on two cores).
# Its table is written to test/crash/RESULTS.md.
set -eu
cd "$(dirname "$0")/.."
CRASH_MATRIX=whole
export CRASH_MATRIX
exec sh scripts/test.sh test/crash "$@"
