#!/bin/sh
# Builds the supervisor for every architecture that environments run on, as
# small static binaries that the engine embeds. Rebuilds only what has changed.
set -eu
cd "$(dirname "$0")"
for arch in ${SUPERVISOR_ARCHS:-amd64 arm64}; do
	CGO_ENABLED=0 GOOS=linux GOARCH="$arch" go build -trimpath -buildvcs=false \
		-ldflags '-s -w -buildid=' -o "embedded/supervisor-linux-$arch" ./supervisor
done
