#!/usr/bin/env bash
# Makes sure that a Docker daemon answers: installs and starts one where that is
# ours to do (as root on Debian, as in CI). Exits with 1, and says why, otherwise.
set -euo pipefail
answers() { docker version >/dev/null 2>&1; }

answers && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "No Docker daemon answers. Start Docker to test the docker driver too." >&2
  exit 1
fi
if ! command -v dockerd >/dev/null; then
  echo "Installing Docker…" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io >/dev/null
fi
answers && exit 0
log=$(mktemp)
echo "Starting dockerd, log in ${log}…" >&2
rm -f /var/run/docker.pid
nohup setsid dockerd >"$log" 2>&1 </dev/null &
for _ in $(seq 300); do
  answers && exit 0
  sleep 0.1
done
tail -n 20 "$log" >&2
exit 1
