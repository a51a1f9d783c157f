#!/usr/bin/env bash
# Makes sure that the servers of others that tests run against are there: installs
# what is missing into the user's cache, from PyPI, npm and Maven, and prints where.
# Names can be given: scripts/emulators.sh dynamodb kinesalite elasticmq moto
set -euo pipefail
cd "$(dirname "$0")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-lambda/emulators"
mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9

need() { command -v "$1" >/dev/null || { echo "Error: $1 is missing. Install it to test against $2." >&2; exit 1; }; }

# install NAME COMMAND...: runs COMMAND in a new directory, which becomes NAME's.
install() {
  [ -d "$cache/$1" ] && return
  echo "Installing ${1}…" >&2
  rm -rf "$cache/.new"
  mkdir "$cache/.new"
  "${@:2}" >&2
  mv "$cache/.new" "$cache/$1"
}

# Tables with streams and accounts: MiniStack. AWS's own emulator, DynamoDB Local, is
# under terms of AWS's own, so that tests do not bring it along.
dynamodb() {
  need python3 DynamoDB
  install ministack-1.5.33 venv ministack==1.5.33
}

venv() {
  python3 -m venv "$cache/.new"
  "$cache/.new/bin/python3" -m pip install --quiet --disable-pip-version-check "$@"
}

kinesalite() {
  need npm kinesalite
  install kinesalite-3.3.3 npm install --silent --no-audit --no-fund --prefix "$cache/.new" kinesalite@3.3.3
}

elasticmq() {
  need mvn ElasticMQ
  install elasticmq-1.6.11 mvn --batch-mode --quiet -f test/emulators/pom.xml dependency:copy-dependencies -DoutputDirectory="$cache/.new"
}

moto() {
  scripts/clients.sh >/dev/null # which puts it on the PATH of scripts/test.sh
}

[ $# -gt 0 ] || set -- dynamodb kinesalite elasticmq moto
for name in "$@"; do
  case $name in
  dynamodb | kinesalite | elasticmq | moto) "$name" ;;
  *) echo "Error: there is no emulator $name. Use dynamodb, kinesalite, elasticmq or moto." >&2; exit 2 ;;
  esac
done
echo "$cache"
