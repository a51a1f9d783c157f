#!/bin/sh
# Starts a runtime's interpreter, whose command line is the arguments: through the
# program that the function names in AWS_LAMBDA_EXEC_WRAPPER, if it does.
wrapper=${AWS_LAMBDA_EXEC_WRAPPER:-}
[ -n "$wrapper" ] || exec "$@"
if [ ! -f "$wrapper" ]; then
	echo "$wrapper: does not exist"
	exit 127
fi
if [ ! -x "$wrapper" ]; then
	echo "$wrapper: is not an executable"
	exit 126
fi
exec "$wrapper" "$@"
