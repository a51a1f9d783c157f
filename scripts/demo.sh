#!/usr/bin/env bash
# Plays the story of examples/quickstart in a temporary directory: apply, invoke, a
# record on a stream, a new version, promotion, rollback, a crash, and the end.
# Each step is checked, and printed with the time it took.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$PWD/bin/terraform-provider-lambda
version=${VERSION:-0.1.0}
terraform=$(command -v terraform || command -v tofu || true)
[ -n "$terraform" ] || { echo "Error: neither terraform nor tofu is on the PATH. Install one of them." >&2; exit 1; }
command -v curl >/dev/null || { echo "Error: curl is missing." >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/lambda-demo.XXXXXX")
mkdir "$work/tmp" "$work/mirror"
export TMPDIR=$work/tmp # whatever is left there is ours, and is found out
export LAMBDA_ENGINE_DATA_DIR=$work/engine
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export LAMBDA_ENGINE_ENDPOINT=http://127.0.0.1:$port
export TF_VAR_endpoint=$LAMBDA_ENGINE_ENDPOINT TF_VAR_data_dir=$LAMBDA_ENGINE_DATA_DIR
export TF_CLI_CONFIG_FILE=$work/terraformrc CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1
unset AWS_PROFILE TF_LOG

finish() {
  status=$?
  if [ $status -ne 0 ]; then
    printf '\nThe demo failed. What is there to look at is in %s; the last of it:\n' "$work" >&2
    tail -n 30 "$work/step.log" >&2 || true
    tail -n 10 "$work/engine/engine.log" >&2 || true
  fi
  "$binary" engine stop --data-dir "$work/engine" >/dev/null 2>&1 || true
  [ $status -ne 0 ] || rm -rf "$work"
}
trap finish EXIT

now() { if [ -n "${EPOCHREALTIME:-}" ]; then echo "${EPOCHREALTIME/,/.}"; else date +%s; fi; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", to - from }'; }
begun=$(now)
chapter() { printf '\n%s\n' "$*"; }
# step TEXT COMMAND…: runs it with its output in step.log, and prints how long it took.
step() {
  local text=$1 start; shift
  start=$(now)
  "$@" >"$work/step.log" 2>&1 || { printf '  FAILED    %s\n' "$text"; return 1; }
  printf '  %6s s  %s\n' "$(since "$start")" "$text"
}
show() { sed 's/^/            /' "$work/step.log"; }
fail() { echo "$*" >>"$work/step.log"; return 1; }

tf() { "$terraform" -chdir="$work/quickstart" "$@"; }
apply() { tf apply -auto-approve -input=false -no-color; }
unchanged() { tf plan -detailed-exitcode -input=false -no-color; }
invoke() { "$binary" invoke "$@"; }
# answers ALIAS RELEASE: the alias runs the code of that release.
answers() {
  local got; got=$(invoke "hello:$1" -p '{"name":"Ada"}'); echo "$got"
  [[ $got == *"\"release\": $2,"* ]] || fail "hello:$1 does not answer with release $2"
}
# edit FILE FROM TO: replaces one line's text, which must be there.
edit() { grep -qF "$2" "$1" && sed -i.bak "s/$2/$3/" "$1" && rm "$1.bak"; }
promote() { edit "$work/quickstart/main.tf" "function_version = \"$1\" #" "function_version = \"$2\" #"; }
# arrives TEXT: the orders function logs it before long.
arrives() {
  local deadline=$((SECONDS + 20))
  until "$binary" logs orders --since 5m | grep -F "$1"; do
    [ $SECONDS -lt $deadline ] || fail "no '$1' in the log of orders"
    sleep 0.05
  done
}
put_order() {
  curl -sS --fail "$LAMBDA_ENGINE_ENDPOINT" -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: Kinesis_20131202.PutRecord' \
    -d "{\"StreamName\":\"orders\",\"PartitionKey\":\"$1\",\"Data\":\"$(printf '{"id":%s,"item":"%s"}' "$1" "$2" | base64 | tr -d '\n')\"}"
}
engine_field() { "$binary" engine status -o json | sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/"; }

chapter "0. A directory of its own: $work"
cp -R examples/quickstart "$work/quickstart"
rm -rf "$work/quickstart/build" "$work/quickstart/.terraform"*
cat >"$work/terraformrc" <<RC
provider_installation {
  filesystem_mirror {
    path = "$work/mirror"
  }
}
RC
step "install the provider, with no registry" scripts/install.sh "$binary" "$version" "$work/mirror"
step "install the functions' packages from PyPI and npm" "$work/quickstart/build.sh"

chapter "1. terraform apply gives running functions"
step "terraform init" tf init -input=false -no-color
step "terraform apply: starts an engine, creates everything" apply
driver=$(engine_field driver)
reason=$(sed -n 's/.*Docker cannot be used" reason=//p' "$work/engine/engine.log" | head -n 1)
case "$driver$reason" in
  docker) echo "            functions run in Docker" ;;
  process) echo "            functions run as plain processes, not isolated, as LAMBDA_ENGINE_DRIVER says" ;;
  *) echo "            functions run as plain processes, not isolated: Docker cannot be used here: $reason" ;;
esac
tf output -no-color | sed 's/^/            /'
step "plan: nothing to do" unchanged

chapter "2. Functions answer"
step "invoke hello:live (cold)" answers live 1
show
step "invoke hello:live --tail (warm)" invoke hello:live -p '{"name":"Ada"}' --tail
show
grep -q '^REPORT' "$work/step.log" || fail "no REPORT in the log tail"
step "put a record on the stream" put_order 1 tea
step "the record reaches the Node.js function" arrives 'order 1 for tea'
show

chapter "3. The code changes: a new version, and live stays where it is"
edit "$work/quickstart/functions/hello/app.py" 'RELEASE = 1' 'RELEASE = 2'
step "build" "$work/quickstart/build.sh"
step "terraform apply: publishes version 2" apply
step "plan: nothing to do" unchanged
step "hello:dev runs the new code" answers dev 2
step "hello:beta runs the new code" answers beta 2
step "hello:live runs the old code" answers live 1

chapter "4. Promotion is one line of HCL; so is rollback"
promote 1 2
step "terraform apply: live = 2" apply
step "plan: nothing to do" unchanged
step "hello:live runs the new code" answers live 2
promote 2 1
step "terraform apply: live = 1" apply
step "hello:live runs the old code again" answers live 1
promote 1 2
step "terraform apply: live = 2" apply
step "plan: nothing to do" unchanged

chapter "5. The engine is killed, and loses nothing"
crash() { kill -9 "$1"; while ps -o stat= -p "$1" | grep -qv Z; do :; done; }
pid=$(engine_field pid)
step "kill -9 $pid" crash "$pid"
step "engine start -d" "$binary" engine start -d --listen "127.0.0.1:$port" --data-dir "$work/engine"
step "hello:live answers" answers live 2
step "put another record" put_order 2 coffee
step "the stream goes on behind the last record" arrives 'order 2 for coffee'
once() { [ "$("$binary" logs orders --since 5m | grep -c 'order 1 for tea')" = 1 ] || fail "order 1 was delivered again"; }
step "and repeats nothing" once
step "plan: nothing to do" unchanged

chapter "6. The end"
step "terraform destroy" tf destroy -auto-approve -input=false -no-color
step "engine stop" "$binary" engine stop --data-dir "$work/engine"
nothing_left() {
  ! pgrep -fl "$work/" || fail "processes are left"
  if [ "$driver" = docker ]; then
    local left; left=$(docker ps -aq --filter "label=lambdaform.engine")
    [ -z "$left" ] || fail "containers are left: $left"
  fi
  local files; files=$(find "$work/tmp" -mindepth 1)
  [ -z "$files" ] || fail "temporary files are left: $files"
}
step "no process, container or temporary file is left" nothing_left

printf '\nDone in %s s.\n' "$(since "$begun")"
