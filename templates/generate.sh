#!/bin/sh
# Generates docs/ from the schema, templates/ and examples/, and validates the
# examples. Needs Go and Terraform, but no registry: the schema is read from the
# provider built here.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

go build -o "$work/terraform-provider-lambda" .
cat >"$work/terraformrc" <<RC
provider_installation {
  dev_overrides {
    "lambdaform/lambda" = "$work"
  }
}
RC
mkdir "$work/empty"
cat >"$work/empty/main.tf" <<TF
terraform {
  required_providers {
    lambda = {
      source = "lambdaform/lambda"
    }
  }
}
TF
export TF_CLI_CONFIG_FILE="$work/terraformrc" CHECKPOINT_DISABLE=1
terraform -chdir="$work/empty" providers schema -json |
  # The generator looks for a provider by its name in this namespace only.
  sed 's,registry\.[a-z.]*/lambdaform/lambda,registry.terraform.io/hashicorp/lambda,' >"$work/schema.json"

# Each example stands for itself.
for example in examples/provider/*.tf examples/resources/*/*.tf examples/data-sources/*/*.tf; do
  rm -rf "$work/example" && mkdir "$work/example"
  cp "$example" "$work/example/main.tf"
  grep -q required_providers "$example" || cp "$work/empty/main.tf" "$work/example/versions.tf"
  terraform -chdir="$work/example" validate >"$work/validate.log" 2>&1 || {
    echo "Error: $example is not valid." >&2
    cat "$work/validate.log" >&2
    exit 1
  }
done

# The generator empties docs/ first; these pages are not its own.
hand="$work/hand"
mkdir "$hand"
for page in docs/architecture.md docs/compatibility.md; do
  if [ -f "$page" ]; then cp "$page" "$hand/"; fi
done
go run github.com/hashicorp/terraform-plugin-docs/cmd/tfplugindocs@v0.25.0 generate \
  --provider-name lambda --rendered-provider-name Lambda --providers-schema "$work/schema.json"
if [ -n "$(ls "$hand")" ]; then cp "$hand"/* docs/; fi
rm -f docs/generate.sh # it copies whatever is beside the templates
