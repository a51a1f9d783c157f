#!/usr/bin/env bash
# install.sh BINARY VERSION DIR: lays the provider out as a filesystem mirror in DIR,
# for Terraform and for OpenTofu.
set -euo pipefail
binary=$1 version=$2 dir=$3
platform="$(go env GOOS)_$(go env GOARCH)"
for host in registry.terraform.io registry.opentofu.org; do
  target="$dir/$host/lambdaform/lambda/$version/$platform"
  mkdir -p "$target"
  # By rename: the old file may be running.
  cp "$binary" "$target/.new"
  mv "$target/.new" "$target/terraform-provider-lambda_v$version"
done
