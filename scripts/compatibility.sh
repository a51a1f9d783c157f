#!/usr/bin/env bash
# Runs the tests that call the engine as clients do, and writes docs/compatibility.md
# from what the engine has served.
set -euo pipefail
cd "$(dirname "$0")/.."

records=$(mktemp -d)
trap 'rm -rf "$records"' EXIT
PATH="$(scripts/clients.sh):$PATH"
export PATH
COMPATIBILITY_DIR="$records" go test -count=1 ./engine ./engine/api/... ./test/e2e
go run ./test/compatibility "$records" > "$records/compatibility.md"
mv "$records/compatibility.md" docs/compatibility.md
