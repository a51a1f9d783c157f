#!/usr/bin/env bash
# Builds the stand-in images, and installs first what that needs where it is ours to do.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=
want() { command -v "$1" >/dev/null || packages="$packages $2"; }
want mmdebstrap mmdebstrap
want mvn maven
# AWS's interface client for Node.js has to be compiled.
want cmake cmake
want g++ g++
want make make
want autoreconf autoconf
want automake automake
want libtoolize libtool
want xz xz-utils
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing$packages…" >&2
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $packages >/dev/null
fi
exec images/build.sh "$@"
