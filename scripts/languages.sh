#!/usr/bin/env bash
# Makes sure that what Java and Ruby functions are made and run with is there:
# installs it where that is ours to do (as root on Debian, as in CI). Exits with 1,
# and says why, otherwise.
set -euo pipefail
missing=()
command -v javac >/dev/null || missing+=(default-jdk-headless)
command -v mvn >/dev/null || missing+=(maven)
command -v ruby >/dev/null || missing+=(ruby)
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Missing: ${missing[*]}. Install that to test Java and Ruby functions too." >&2
  exit 1
fi
echo "Installing ${missing[*]}…" >&2
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
