#!/bin/sh
# Builds stand-ins for AWS's Lambda base images, for machines that reach no
# registry: the same contract from Debian packages. What exists, made the same way,
# is left alone; FORCE=1 builds anew. Images can be named: images/build.sh python:3.13
#
# Needs docker, mmdebstrap, python3 with pip, npm and Maven; what a step downloads
# comes from wherever apt, pip, npm and Maven of this machine are set up to look.
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

# image TAG PACKAGES OVERLAY [HOOK]: a root file system of Debian packages with
# OVERLAY copied over it, on which HOOK has been run.
image() {
	echo "building $1" >&2
	mmdebstrap --quiet --variant=essential ${2:+--include="$2"} \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		--essential-hook='mkdir -p "$1/usr/share/man/man1"' \
		--customize-hook="cp -a $3/. \"\$1\"/" \
		${4:+--customize-hook="$4"} \
		--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/*' \
		"$suite" - "$(mirror)" |
		docker import \
			--change 'ENV LANG=en_US.UTF-8 TZ=:/etc/localtime LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime' \
			--change 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin' \
			--change 'ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib' \
			--change 'WORKDIR /var/task' --change 'ENTRYPOINT ["/lambda-entrypoint.sh"]' \
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
	have "$tag" && return
	root=$work/python
	layout "$root"
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
		exec python$1 -m awslambdaric "\$_HANDLER"
	EOF
	chmod 755 "$root/var/runtime/bootstrap"
	image "$tag" "ca-certificates,libstdc++6,python$1" "$root"
}

# Node.js: the binary that npm publishes and this project's interface client
# (AWS's own needs a C++ compiler and cmake to install).
nodejs() {
	tag=lambdaform/nodejs:$1
	have "$tag" "$clients/bootstrap.mjs" && return
	root=$work/nodejs
	layout "$root"
	case $(uname -m) in
	aarch64 | arm64) arch=arm64 ;;
	*) arch=x64 ;;
	esac
	mkdir -p "$root/var/lang/bin" "$work/npm"
	(cd "$work/npm" && npm pack --silent "node-linux-$arch@$1" >/dev/null && tar -xzf ./node-linux-*.tgz)
	cp "$work/npm/package/bin/node" "$root/var/lang/bin/node"
	cp "$clients/bootstrap.mjs" "$root/var/runtime/bootstrap.mjs"
	printf '#!/bin/sh\nexec /var/lang/bin/node /var/runtime/bootstrap.mjs\n' >"$root/var/runtime/bootstrap"
	chmod 755 "$root/var/runtime/bootstrap" "$root/var/lang/bin/node"
	image "$tag" "ca-certificates,libstdc++6" "$root"
}

# Java: Debian's JRE and AWS's interface client.
java() {
	tag=lambdaform/java:$1
	have "$tag" "$here/java/pom.xml" "$here/java/bootstrap" && return
	need mvn
	root=$work/java
	layout "$root"
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
	have "$tag" "$clients/bootstrap.rb" && return
	root=$work/ruby
	layout "$root"
	cp "$clients/bootstrap.rb" "$root/var/runtime/bootstrap.rb"
	cat >"$root/var/runtime/bootstrap" <<-EOF
		#!/bin/sh
		export GEM_PATH="\${GEM_PATH:-/var/task/vendor/bundle/ruby/$1.0:/opt/ruby/gems/$1.0}"
		export RUBYLIB="\${RUBYLIB:-/var/task:/var/runtime/lib:/opt/ruby/lib}"
		exec \${AWS_LAMBDA_EXEC_WRAPPER:+"\$AWS_LAMBDA_EXEC_WRAPPER"} ruby$1 /var/runtime/bootstrap.rb
	EOF
	chmod 755 "$root/var/runtime/bootstrap"
	image "$tag" "ca-certificates,ruby$1" "$root"
}

need docker mmdebstrap python3 npm
docker version >/dev/null 2>&1 || { echo "Error: no Docker daemon answers. Start it." >&2; exit 1; }
[ $# -gt 0 ] || set -- provided:al2023 python:3.13 nodejs:22 java:21 ruby:3.3
for want in "$@"; do
	name=${want%%:*} version=${want#*:}
	case $name in
	provided | python | nodejs | java | ruby) "$name" "$version" ;;
	*) echo "Error: there is no stand-in for $want. Use provided:, python:, nodejs:, java: or ruby: with a version." >&2; exit 2 ;;
	esac
	echo "lambdaform/$name:$version is there" >&2
done
