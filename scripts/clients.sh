#!/usr/bin/env bash
# Prints a directory in which aws, moto_server, and a python3 with boto3 are to be
# found; installs them there from PyPI where this machine lacks them. Version 2 of the
# AWS CLI, which alone has `logs tail`, is not on PyPI: Debian's is installed where that
# is ours to do.
set -euo pipefail
if ! /usr/bin/aws --version 2>/dev/null | grep -q aws-cli/2 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends awscli; } >&2 || true
fi
if command -v aws >/dev/null && command -v moto_server >/dev/null && python3 -c 'import boto3' 2>/dev/null; then
  dirname "$(command -v aws)"
  exit 0
fi
venv="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-lambda/clients"
if [ ! -x "$venv/bin/aws" ] || [ ! -x "$venv/bin/moto_server" ]; then
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check awscli boto3 'moto[server]' >&2
fi
echo "$venv/bin"
