"""One handler for every way to answer: the event's "do" says which."""

import collections
import decimal
import logging
import os
import signal
import sys
import time

Point = collections.namedtuple("Point", "x y")
logger = logging.getLogger("mine")


class Refusal(Exception):
    pass


def raises(error):
    def way(event, context):
        raise error
    return way


def chained(event, context):
    try:
        {}["inner"]
    except KeyError as e:
        raise Refusal("outer") from e


def deep():
    return deep()


def recursion(event, context):
    was = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        return deep()
    finally:
        sys.setrecursionlimit(was)


def ring(event, context):
    value = []
    value.append(value)
    return value


def levels(event, context):
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logging.getLogger(), level)("a %s", level)


def with_level(event, context):
    root = logging.getLogger()
    was = root.level
    root.setLevel(logging.DEBUG)
    try:
        levels(event, context)
    finally:
        root.setLevel(was)
    return was


def formats(event, context):
    print("x")
    print("two", "words", end="")
    print(" of one line")
    print("a\nb")
    logger.error("two\nlines")
    context.log("through the context\n")
    print("no line break", end="")


def stderr(event, context):
    sys.stderr.write("to stderr\n")
    sys.stderr.write("no line break")


def records(event, context):
    logger.error("plain", extra={"hint": {"try": "again"}, "odd": {1, }})
    logger.warning({"a": 1})
    logger.warning("%s of %d", "one", 2)
    try:
        raise Refusal("caught")
    except Refusal:
        logger.exception("seen")


def huge(event, context):
    raise Refusal("x" * (300 << 10))


def describe(event, context):
    members = ["aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
               "function_version", "invoked_function_arn", "tenant_id"]
    out = {name: getattr(context, name) for name in members}
    out["type"] = type(context).__name__
    out["public"] = sorted(n for n in vars(context) if not n.startswith("_"))
    out["identity"] = [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id]
    out["client"] = None
    client = context.client_context
    if client:
        out["client"] = [client.custom, client.env, client.client and [
            client.client.installation_id, client.client.app_title, client.client.app_version_name,
            client.client.app_version_code, client.client.app_package_name]]
    out["repr"] = repr(context)
    out["w3c"] = context.w3c()
    return out


def remaining(event, context):
    first = context.get_remaining_time_in_millis()
    time.sleep(0.3)
    return [first, context.get_remaining_time_in_millis()]


def environment(event, context):
    return dict(os.environ, cwd=os.getcwd(), home=os.path.expanduser("~"), data=open("data.txt").read(), path=sys.path, name=__name__)


WAYS = {
    "echo": lambda event, context: [type(event["value"]).__name__, event["value"]],
    "nothing": lambda event, context: None,
    "tuple": lambda event, context: (1, "two"),
    "named tuple": lambda event, context: {"at": [Point(1, (2, Point(3, 4)))]},
    "keys": lambda event, context: {7: "int", 2.5: "float", True: "bool", None: "none"},
    "key of bytes": lambda event, context: {b"k": 1},
    "key that is none": lambda event, context: {(1, 2): 3},
    "decimal": lambda event, context: [decimal.Decimal("1.10"), decimal.Decimal("3"), decimal.Decimal("1E+3")],
    "decimals nan": lambda event, context: decimal.Decimal("NaN"),
    "nan": lambda event, context: float("nan"),
    "infinity": lambda event, context: [float("inf"), -float("inf")],
    "unicode": lambda event, context: "ü€😀\u2028",
    "half a pair": lambda event, context: "\ud800",
    "bytes": lambda event, context: b'{"raw": [1]}',
    "bytes inside": lambda event, context: {"b": b"text"},
    "bytes that are no text": lambda event, context: [b"\xff"],
    "bytearray": lambda event, context: bytearray(b"x"),
    "set": lambda event, context: {1, 2},
    "generator": lambda event, context: (i for i in range(3)),
    "coroutine": lambda event, context: object(),
    "ring": ring,
    "raise": raises(Refusal("I failed!")),
    "raise without message": raises(Refusal()),
    "raise lines": raises(ValueError("two\nlines")),
    "raise KeyError": raises(KeyError("k")),
    "raise chained": chained,
    "recursion": recursion,
    "sys.exit": lambda event, context: sys.exit(3),
    "sys.exit 0": lambda event, context: sys.exit(),
    "sys.exit text": lambda event, context: sys.exit("goodbye"),
    "os._exit": lambda event, context: os._exit(4),
    "interrupt": raises(KeyboardInterrupt()),
    "kill": lambda event, context: os.kill(os.getpid(), signal.SIGKILL),
    "levels": levels,
    "with level": with_level,
    "formats": formats,
    "stderr": stderr,
    "records": records,
    "huge": huge,
    "context": describe,
    "remaining": remaining,
    "environment": environment,
}


def handler(event, context):
    return WAYS[event["do"]](event, context)


def whole(event, context):
    return [type(event).__name__, event]


VALUE = 5


class Handlers:
    @staticmethod
    def handler(event, context):
        return "of a class"


handlers = Handlers()
