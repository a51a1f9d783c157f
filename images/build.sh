#!/bin/sh
# Builds stand-ins for AWS's Lambda base images, for machines that reach no
# registry: the same contract from Debian packages. What exists, made the same way,
# is left alone; FORCE=1 builds anew. Images can be named: images/build.sh python:3.13
#
# Needs docker, mmdebstrap, python3 with pip, npm and Maven; what a step downloads
# comes from wherever apt, pip, npm and Maven of this machine are set up to look.
# AWS's interface client for Node.js is compiled, with cmake, g++, make, autoconf,
# automake, libtool and xz; without these, or with CLIENT=own, the image gets this
# project's own.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clients=$here/../engine/sandbox/runtimes/clients
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
suite=${SUITE:-trixie}

# The Debian mirror that apt is set up with here.
mirror() {
	cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
		sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' |
		head -n 1
}

need() {
	for tool in "$@"; do
		command -v "$tool" >/dev/null || {
			echo "Error: $tool is missing. Install it (Debian: apt-get install docker.io mmdebstrap python3-pip npm maven)." >&2
			exit 1
		}
	done
}

# have TAG [FILE...]: whether the image is there, made by this script and of these FILEs.
have() {
	have=$1
	shift
	recipe=$(cat "$here/build.sh" "$@" | cksum | cut -d ' ' -f 1)
	[ -z "${FORCE:-}" ] && [ "$(docker image inspect -f '{{index .Config.Labels "lambdaform.standin"}}' "$have" 2>/dev/null)" = "$recipe" ]
}

# layout DIR: the places that a function finds in every image.
layout() {
	mkdir -p "$1/var/task" "$1/var/runtime" "$1/opt"
	printf '#!/bin/sh\n# Names the handler and boots the runtime, as in the images of AWS.\nexport _HANDLER="${1:-$_HANDLER}"\nexec /var/runtime/bootstrap\n' >"$1/lambda-entrypoint.sh"
	chmod 755 "$1/lambda-entrypoint.sh"
}

# launcher DIR: what starts interpreters.
launcher() {
	cp "$clients/launch.sh" "$1/var/runtime/launch"
	chmod 755 "$1/var/runtime/launch"
}

# image TAG PACKAGES OVERLAY [HOOK]: a root file system of Debian packages with
# OVERLAY copied over it, on which HOOK has been run.
image() {
	echo "building $1" >&2
	mmdebstrap --quiet --variant=essential ${2:+--include="$2"} \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		--essential-hook='mkdir -p "$1/usr/share/man/man1"' \
		--customize-hook="cp -a $3/. \"\$1\"/" \
		--customize-hook='echo "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin" >>"$1"/etc/passwd' \
		${4:+--customize-hook="$4"} \
		--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/*' \
		"$suite" - "$(mirror)" |
		docker import \
			--change 'ENV LANG=en_US.UTF-8 TZ=:/etc/localtime LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime' \
			--change 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin' \
			--change 'ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib' \
			--change 'WORKDIR /var/task' --change "ENTRYPOINT [\"${entrypoint:-/lambda-entrypoint.sh}\"]" \
			--change "LABEL lambdaform.standin=$recipe" \
			- "$1" >/dev/null
}

provided() {
	tag=lambdaform/provided:$1
	have "$tag" && return
	layout "$work/provided"
	image "$tag" ca-certificates "$work/provided"
}

# Python: Debian's interpreter and AWS's interface client.
python() {
	tag=lambdaform/python:$1
	have "$tag" "$clients/launch.sh" && return
	root=$work/python-$1
	layout "$root"
	launcher "$root"
	python3 -m pip install --quiet --no-compile --target "$root/var/runtime" \
		--python-version "$1" --implementation cp --only-binary=:all: awslambdaric boto3 2>"$work/pip.log" || {
		cat "$work/pip.log" >&2
		echo "Error: pip cannot install awslambdaric for Python $1." >&2
		exit 1
	}
	cat >"$root/var/runtime/bootstrap" <<-EOF
		#!/bin/sh
		# Layers come before what the runtime brings, unless the function wants otherwise.
		export PYTHONPATH="\${PYTHONPATH:-/opt/python/lib/python$1/site-packages:/opt/python}:/var/runtime"
		exec /var/runtime/launch python$1 -m awslambdaric "\$_HANDLER"
	EOF
	chmod 755 "$root/var/runtime/bootstrap"
	# Where AWS's image has them, for programs that say "env python3".
	mkdir -p "$root/var/lang/bin"
	ln -s "/usr/bin/python$1" "$root/var/lang/bin/python$1"
	ln -s "python$1" "$root/var/lang/bin/python3"
	ln -s "python$1" "$root/var/lang/bin/python"
	image "$tag" "ca-certificates,libstdc++6,python$1" "$root"
}

# What the image of Node.js knows of the AWS SDK for JavaScript; AWS's knows all of it.
sdk="client-lambda client-s3 client-dynamodb lib-dynamodb client-kinesis client-sqs client-sns client-sts client-ssm
	client-secrets-manager client-eventbridge client-cloudwatch client-cloudwatch-logs s3-request-presigner lib-storage"

# Node.js: the binary that npm publishes, AWS's interface client and its SDK.
nodejs() {
	tag=lambdaform/nodejs:$1
	client=aws
	if [ "${CLIENT:-}" = own ] || ! compiles; then client=own; fi
	[ "$client" = aws ] && have "$tag" "$clients/launch.sh" "$clients/shelves.mjs" && return
	[ "$client" = own ] && have "$tag" "$clients/launch.sh" "$clients/shelves.mjs" "$clients/bootstrap.mjs" && return
	root=$work/nodejs-$1
	layout "$root"
	launcher "$root"
	case $(uname -m) in
	aarch64 | arm64) arch=arm64 ;;
	*) arch=x64 ;;
	esac
	rm -rf "$work/npm" "$work/ric"
	mkdir -p "$root/var/lang/bin" "$work/npm"
	(cd "$work/npm" && npm pack --silent "node-linux-$arch@$1" >/dev/null && tar -xzf ./node-linux-*.tgz)
	cp "$work/npm/package/bin/node" "$root/var/lang/bin/node"
	cp "$clients/shelves.mjs" "$root/var/runtime/shelves.mjs"
	if [ "$client" = own ]; then
		echo "$tag gets this project's own interface client: AWS's cannot be compiled here" >&2
		cp "$clients/bootstrap.mjs" "$root/var/runtime/index.mjs"
	else
		interface_client "$1" "$root/var/runtime"
	fi
	printf '#!/bin/sh\nexec /var/runtime/launch /var/lang/bin/node /var/runtime/index.mjs\n' >"$root/var/runtime/bootstrap"
	chmod 755 "$root/var/runtime/bootstrap" "$root/var/lang/bin/node"
	# shellcheck disable=SC2046,SC2086
	npm install --silent --no-save --ignore-scripts --prefix "$root/var/runtime" $(printf '@aws-sdk/%s ' $sdk)
	image "$tag" "ca-certificates,libstdc++6" "$root"
}

# compiles: whether AWS's interface client for Node.js can be compiled here.
compiles() {
	for tool in cmake g++ make autoreconf libtoolize xz; do
		command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; return 1; }
	done
}

# interface_client VERSION DIR: AWS's interface client for a version of Node.js, as
# it is, and what starts it. The fourth, for Node.js 24, no longer knows callbacks.
interface_client() {
	major=3 start='import { run } from "./aws-lambda-ric/dist/index.mjs";'
	then='await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);'
	if [ "${1%%.*}" -ge 24 ]; then
		major=4 start= then='await import("./aws-lambda-ric/index.mjs");'
	fi
	mkdir -p "$work/ric"
	# Its node-gyp is older than Python 3.12, which builds with a newer one only.
	printf '{"private":true,"dependencies":{"aws-lambda-ric":"^%s"},"overrides":{"node-gyp":"^11.2.0"}}' "$major" >"$work/ric/package.json"
	(cd "$work/ric" && PATH="$work/npm/package/bin:$PATH" npm_config_nodedir="$work/npm/package" \
		npm install --foreground-scripts >"$work/ric.log" 2>&1) || {
		tail -n 30 "$work/ric.log" >&2
		echo "Error: AWS's interface client for Node.js $1 does not compile here. Use CLIENT=own for this project's own." >&2
		exit 1
	}
	cp -R "$work/ric/node_modules/aws-lambda-ric" "$2/aws-lambda-ric"
	(cd "$2/aws-lambda-ric" && rm -rf deps src scripts bin build node_modules node-addon-api) # what it was compiled of
	cat >"$2/index.mjs" <<-EOF
		$start
		import { open } from "./shelves.mjs";
		open();
		$then
	EOF
}

# Java: Debian's JRE and AWS's interface client.
java() {
	tag=lambdaform/java:$1
	have "$tag" "$here/java/pom.xml" "$here/java/bootstrap" "$clients/launch.sh" && return
	need mvn
	root=$work/java
	layout "$root"
	launcher "$root"
	mvn --batch-mode --quiet -f "$here/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$root/var/runtime/lib" >&2
	cp "$here/java/bootstrap" "$root/var/runtime/bootstrap"
	# A start that fails for want of a Runtime API is one whose classes can be archived
	# for later starts, as AWS's image has them.
	image "$tag" "ca-certificates,openjdk-$1-jre-headless" "$root" \
		'chroot "$1" env AWS_LAMBDA_RUNTIME_API=127.0.0.1:1 _HANDLER=java.util.Objects::toString JAVA_TOOL_OPTIONS=-XX:ArchiveClassesAtExit=/var/runtime/client.jsa /var/runtime/bootstrap >/dev/null 2>&1; rm -f "$1"/tmp/.libaws*; test -f "$1/var/runtime/client.jsa"'
}

# Ruby: Debian's interpreter and this project's interface client (AWS's own is a
# gem, and RubyGems is one registry more to reach).
ruby() {
	tag=lambdaform/ruby:$1
	have "$tag" "$clients/bootstrap.rb" "$clients/launch.sh" && return
	root=$work/ruby
	layout "$root"
	launcher "$root"
	cp "$clients/bootstrap.rb" "$root/var/runtime/bootstrap.rb"
	cat >"$root/var/runtime/bootstrap" <<-EOF
		#!/bin/sh
		export GEM_PATH="\${GEM_PATH:-/var/task/vendor/bundle/ruby/$1.0:/opt/ruby/gems/$1.0}"
		export RUBYLIB="\${RUBYLIB:-/var/task:/var/runtime/lib:/opt/ruby/lib}"
		exec /var/runtime/launch ruby$1 /var/runtime/bootstrap.rb
	EOF
	chmod 755 "$root/var/runtime/bootstrap"
	image "$tag" "ca-certificates,ruby$1" "$root"
}

# DynamoDB: MiniStack, which is open source, taking the arguments of AWS's DynamoDB Local,
# which is not. It has tables with streams by account and region, and writes them when stopped.
dynamodb() {
	tag=lambdaform/dynamodb:$1
	have "$tag" "$here/dynamodb-local" && return
	root=$work/dynamodb
	mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/ministack" "$root/var/task"
	python3 -m pip install --quiet --no-compile --target "$root/usr/local/lib/ministack" \
		--python-version 3.13 --implementation cp --only-binary=:all: ministack==1.5.33 2>"$work/pip.log" || {
		cat "$work/pip.log" >&2
		echo "Error: pip cannot install ministack." >&2
		exit 1
	}
	cp "$here/dynamodb-local" "$root/usr/local/bin/dynamodb-local"
	chmod 755 "$root/usr/local/bin/dynamodb-local"
	entrypoint=/usr/local/bin/dynamodb-local
	image "$tag" "ca-certificates,python3.13" "$root"
	entrypoint=
}

need docker mmdebstrap python3 npm
docker version >/dev/null 2>&1 || { echo "Error: no Docker daemon answers. Start it." >&2; exit 1; }
[ $# -gt 0 ] || set -- provided:al2023 python:3.13 nodejs:22 java:21 ruby:3.3 dynamodb:latest
for want in "$@"; do
	name=${want%%:*} version=${want#*:}
	case $name in
	provided | python | nodejs | java | ruby | dynamodb) "$name" "$version" ;;
	*) echo "Error: there is no stand-in for $want. Use provided:, python:, nodejs:, java: or ruby: with a version, or dynamodb:latest." >&2; exit 2 ;;
	esac
	echo "lambdaform/$name:$version is there" >&2
done
