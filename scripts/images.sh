#!/usr/bin/env bash
# Builds the stand-in images, and installs first what that needs where it is ours to do.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! { command -v mmdebstrap && command -v mvn; } >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing mmdebstrap and Maven…" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mmdebstrap maven >/dev/null
fi
exec images/build.sh "$@"
