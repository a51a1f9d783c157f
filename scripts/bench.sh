#!/usr/bin/env bash
# Measures the engine against other ways to run Lambda functions on this machine.
# What it compares with comes out of package registries, into the user's cache; what
# cannot be had is named in the output, with the reason. Arguments go to test/bench.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-lambda/bench"
mkdir -p "$cache"

# fetch NAME HOW...: runs HOW unless NAME is there whole. The log of a failure ends up
# in the output, and the next run tries again.
fetch() {
  local name=$1
  [ -e "$cache/$name.done" ] && return
  echo "Installing ${name}…" >&2
  rm -rf "${cache:?}/$name" "$cache/$name.failed"
  if "${@:2}" >"$cache/$name.log" 2>&1; then
    touch "$cache/$name.done"
  else
    echo "cannot be installed: $(tail -n 1 "$cache/$name.log" | cut -c 1-200)" >"$cache/$name.failed"
    rm -rf "${cache:?}/$name"
  fi
}

# venv NAME PYTHON PACKAGE...: Python packages in a virtual environment of their own.
venv() { "$2" -m venv "$cache/$1" && "$cache/$1/bin/pip" install --quiet "${@:3}"; }

# npm_packages NAME PACKAGE...
npm_packages() { mkdir -p "$cache/$1" && npm install --silent --no-fund --no-audit --prefix "$cache/$1" "${@:2}"; }

# emulator: AWS's runtime interface emulator is in the package of SAM.
emulator() {
  local file
  case $(uname -m) in x86_64) file=aws-lambda-rie-x86_64 ;; *) file=aws-lambda-rie-arm64 ;; esac
  file=$(find "$cache/sam/lib" -name "$file" | head -n 1)
  [ -n "$file" ] || { echo "the package aws-sam-cli has none for $(uname -m)"; return 1; }
  mkdir -p "$cache/rie" && cp "$file" "$cache/rie/rie" && chmod 755 "$cache/rie/rie"
}

python=python3
python3.13 -c '' 2>/dev/null && python=python3.13 # as in the image that it is compared with

scripts/docker.sh || true
if docker version >/dev/null 2>&1; then
  for image in provided:al2023 python:3.13 nodejs:22; do
    docker image inspect "lambdaform/$image" >/dev/null 2>&1 || scripts/images.sh "$image" >&2 || true
  done
  fetch sam venv sam python3 aws-sam-cli
  fetch rie emulator
  fetch moto venv moto python3 'moto[server,awslambda]'
fi
fetch ministack venv ministack python3 ministack
fetch client venv client "$python" awslambdaric
fetch offline npm_packages offline serverless@3 serverless-offline@13 # 14 wants serverless 4, which needs a licence

go run ./test/bench -cache "$cache" "$@"

# Durable accepts of asynchronous events, beside what JetStream stores by itself.
go test ./engine/invoke -run '^$' -bench Accept -benchtime 5x
go test ./engine -run '^$' -bench Events -benchtime 5x
