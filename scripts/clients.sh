#!/usr/bin/env bash
# Prints a directory in which aws, and a python3 with boto3, are to be found;
# installs them there from PyPI where this machine lacks them.
set -euo pipefail
if command -v aws >/dev/null && python3 -c 'import boto3' 2>/dev/null; then
  dirname "$(command -v aws)"
  exit 0
fi
venv="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-lambda/clients"
if [ ! -x "$venv/bin/aws" ]; then
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check awscli boto3 >&2
fi
echo "$venv/bin"
