#!/usr/bin/env bash
# Measures the engine against peers on this machine. AWS's runtime interface
# emulator comes out of the PyPI package aws-sam-cli.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-lambda/rie"
case $(uname -m) in x86_64) rie=aws-lambda-rie-x86_64 ;; *) rie=aws-lambda-rie-arm64 ;; esac
drivers=process
if docker version >/dev/null 2>&1; then
  drivers=docker,process
  if [ ! -x "$cache/$rie" ]; then
    mkdir -p "$cache"
    python3 -m pip download --quiet --no-deps --no-binary :none: -d "$cache" aws-sam-cli
    python3 -m zipfile -e "$cache"/aws_sam_cli-*.whl "$cache/unpacked"
    find "$cache/unpacked" -name "$rie" -exec cp {} "$cache/$rie" \;
    chmod +x "$cache/$rie"
    rm -rf "$cache/unpacked" "$cache"/*.whl
  fi
else
  echo "No Docker daemon: only the process driver is measured."
  rie=
fi
go run ./test/bench -drivers "$drivers" ${rie:+-rie "$cache/$rie"} "$@"
