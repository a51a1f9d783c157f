#!/usr/bin/env bash
# Puts each function and the packages it needs into build/, from where Terraform takes it.
set -euo pipefail
cd "$(dirname "$0")"

need() { command -v "$1" >/dev/null || { echo "Error: $1 is missing: it installs the packages of the $2 function." >&2; exit 1; }; }
need python3 Python
need npm Node.js

mkdir -p build/hello build/orders
if ! cmp -s functions/hello/requirements.txt build/hello/requirements.txt; then
  rm -rf build/hello && mkdir -p build/hello
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-compile --target build/hello -r functions/hello/requirements.txt
fi
cp functions/hello/* build/hello/
if ! cmp -s functions/orders/package.json build/orders/package.json; then
  rm -rf build/orders && mkdir -p build/orders
  cp functions/orders/package.json build/orders/
  (cd build/orders && npm install --silent --no-audit --no-fund --no-package-lock >/dev/null)
fi
cp functions/orders/* build/orders/
