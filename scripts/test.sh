#!/usr/bin/env bash
# Runs every test, and sets up first what they need: a Docker daemon where one can
# be had (in CI there must be one), a JDK, Maven and Ruby, runtime images, the AWS
# CLI, boto3 and moto, and emulators of AWS's services.
set -euo pipefail
cd "$(dirname "$0")/.."

terraform=$(command -v terraform || command -v tofu || true)
[ -n "$terraform" ] || { echo "Error: the acceptance tests need terraform or tofu on the PATH." >&2; exit 1; }

if scripts/languages.sh; then
  export LAMBDA_TEST_LANGUAGES=required
elif [ "${CI:-}" = true ]; then
  echo "Error: CI lacks languages: their tests may not be left out." >&2
  exit 1
fi
if scripts/docker.sh; then
  scripts/images.sh
  export LAMBDA_TEST_DOCKER=required
elif [ "${CI:-}" = true ]; then
  echo "Error: no Docker daemon in CI: its tests may not be left out." >&2
  exit 1
else
  echo "Going on without Docker: tests of the docker driver are skipped."
fi
PATH="$(scripts/clients.sh):$PATH"
export PATH
if ! scripts/emulators.sh >/dev/null; then
  [ -z "${LAMBDA_TEST_LANGUAGES:-}" ] || { echo "Error: the emulators that tests run against cannot be installed." >&2; exit 1; }
  echo "Going on without some emulators: their tests are skipped."
fi
export TF_ACC=1 TF_ACC_TERRAFORM_PATH="$terraform" CHECKPOINT_DISABLE=1

go test -race -timeout 20m ./...
