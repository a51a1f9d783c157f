"""Runs a Python function: AWS Lambda's runtime interface, on any Python from 3.8.

It answers as AWS's own Python runtime does: the same log lines, error bodies,
error types and context. It speaks to the Runtime API over one connection.
"""

import importlib
import json
import logging
import os
import re
import site
import socket
import sys
import time
import traceback
from decimal import Decimal

ROOT = "/2018-06-01/runtime/"
HERE = os.path.abspath(__file__)


class Api:
    """The Runtime API: one kept-alive HTTP connection, bodies of known length."""

    def __init__(self, address):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.sock = None
        self.data = b""

    def call(self, method, path, body=b"", headers=""):
        head = "%s %s%s HTTP/1.1\r\nHost: lambda\r\nContent-Length: %d\r\n%s\r\n" % (
            method, ROOT, path, len(body), headers)
        if self.sock is None:
            self.sock = socket.create_connection((self.host, self.port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.data = b""
        self.sock.sendall(head.encode() + body)
        return self.receive()

    def receive(self):
        data = self.data
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            data += self.more()
        lines = data[:end].decode("utf-8", "surrogateescape").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        parts, size = [data[end + 4:]], len(data) - end - 4
        length = int(headers.get("content-length", 0))
        while size < length:
            parts.append(self.more())
            size += len(parts[-1])
        data = b"".join(parts)
        self.data = data[length:]
        if headers.get("connection") == "close":
            self.sock.close()
            self.sock = None
        return int(lines[0].split(" ")[1]), headers, data[:length]

    def more(self):
        chunk = self.sock.recv(1 << 18)
        if not chunk:
            sys.exit(1)  # the environment is being taken down
        return chunk


class Fault(Exception):
    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace


class Fields:
    """A plain record with a readable representation."""

    names = ()

    def __init__(self, values):
        for name in self.names:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return "%s([%s])" % (
            self.__class__.__name__, ",".join("%s=%s" % (n, getattr(self, n)) for n in self.names))


class CognitoIdentity(Fields):
    names = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(Fields):
    names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(Fields):
    names = ("custom", "env", "client")


class LambdaContext(Fields):
    names = ("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
             "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id")

    def __init__(self, headers):
        client = parse(headers.get("lambda-runtime-client-context"), "Client Context")
        who = parse(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        # What a caller traces with is not part of what it says of itself.
        w3c = client.pop("w3c", None) if isinstance(client, dict) else None
        self._w3c = {k: w3c[k] for k in ("traceparent", "tracestate", "baggage")
                     if isinstance(w3c, dict) and isinstance(w3c.get(k), str)}
        self._deadline = int(headers.get("lambda-runtime-deadline-ms", 0))
        super().__init__({
            "aws_request_id": headers["lambda-runtime-aws-request-id"],
            "log_group_name": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
            "log_stream_name": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME"),
            "function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
            "memory_limit_in_mb": os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
            "invoked_function_arn": headers.get("lambda-runtime-invoked-function-arn"),
            "identity": CognitoIdentity({"cognito_identity_id": who.get("cognitoIdentityId"),
                                         "cognito_identity_pool_id": who.get("cognitoIdentityPoolId")}),
            "tenant_id": headers.get("lambda-runtime-aws-tenant-id"),
        })
        if client is not None:
            self.client_context = ClientContext(client)
            if self.client_context.client is not None:
                self.client_context.client = Client(self.client_context.client)

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def w3c(self):
        return dict(self._w3c)

    def log(self, msg):
        sys.stdout.write(str(msg))
        sys.stdout.flush()


def parse(text, name):
    if not text:
        return None
    try:
        # Header bytes beyond ASCII arrive as they are.
        return json.loads(text)
    except ValueError as e:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, e))


class RequestId(logging.Filter):
    current = ""

    def filter(self, record):
        record.aws_request_id = RequestId.current
        return True


class LogHandler(logging.Handler):
    def emit(self, record):
        # A carriage return keeps the lines of a message together as one log event.
        sys.stdout.write(self.format(record).rstrip("\n").replace("\n", "\r") + "\n")
        sys.stdout.flush()


class JsonFormatter(logging.Formatter):
    # What is a record's own is not among what a caller has added to it.
    own = (set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) - {"taskName"}) | {"aws_request_id"}

    def __init__(self):
        super().__init__(datefmt=STAMP)

    def format(self, record):
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        plain = isinstance(record.msg, dict) and not record.args
        out = {"timestamp": self.formatTime(record, self.datefmt), "level": record.levelname,
               "message": record.msg if plain else record.getMessage(), "logger": record.name}
        if record.exc_info:
            kind, value, tb = record.exc_info
            out["stackTrace"] = traceback.format_tb(tb)
            out["errorType"] = kind.__name__ if kind else None
            out["errorMessage"] = str(value)
        out["requestId"] = getattr(record, "aws_request_id", None)
        if record.exc_info:
            out["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
        for key, value in record.__dict__.items():
            if key not in self.own:
                out.setdefault(key, value)
        return json.dumps({k: v for k, v in out.items() if v is not None}, ensure_ascii=False, default=str) + "\n"


STAMP = "%Y-%m-%dT%H:%M:%SZ"


def json_logs():
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def set_up_logging():
    logging.Formatter.converter = time.gmtime
    handler = LogHandler()
    handler.setFormatter(JsonFormatter() if json_logs() else logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(RequestId())
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    level = "DEBUG" if level == "TRACE" else level.upper()
    if isinstance(logging.getLevelName(level), int):
        root.setLevel(level)


# From Python 3.12 on AWS writes characters as they are, and so none that is no character.
ASCII = os.environ.get("AWS_EXECUTION_ENV", "") in [
    "AWS_Lambda_python3." + minor for minor in ("8", "9", "10", "11")]
NUMBER = "number-" + os.urandom(8).hex()
SCALARS = (str, int, float, bool, type(None))


def default(value):
    if isinstance(value, Decimal):
        return float("nan") if value.is_nan() else NUMBER + str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if callable(getattr(value, "_asdict", None)):
        return value._asdict()
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def with_objects(value):
    """A copy of what contains named tuples, which are objects; else the value itself."""
    if isinstance(value, dict):
        new = {k: v if type(v) in SCALARS else with_objects(v) for k, v in value.items()}
        return value if all(new[k] is value[k] for k in new) else new
    if isinstance(value, tuple) and callable(getattr(value, "_asdict", None)):
        return with_objects(dict(value._asdict()))
    if isinstance(value, (list, tuple)):
        new = [v if type(v) in SCALARS else with_objects(v) for v in value]
        return value if all(a is b for a, b in zip(new, value)) else new
    return value


def dumps(value):
    if type(value) not in SCALARS:
        try:
            value = with_objects(value)
        except RecursionError:
            pass  # json has the word for it
    text = json.dumps(value, ensure_ascii=ASCII, default=default)
    if NUMBER in text:  # decimals keep their digits
        text = re.sub('"%s([^"]*)"' % NUMBER, r"\1", text)
    return text


def find_handler(name):
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName",
                    "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, e))
    except SyntaxError as e:
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, e),
                    ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)])
    try:
        return getattr(module, function)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module_name))


def describe(error, request_id=""):
    """The error body. The frames of this file above the function's own are nobody's business."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
        first = next((i for i, f in enumerate(frames) if os.path.abspath(f[0]) != HERE), 0)
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(frames[first:])
    return {"errorMessage": message or "", "errorType": kind, "requestId": request_id, "stackTrace": trace or []}


def log_error(body):
    if json_logs():
        line = {"timestamp": time.strftime(STAMP, time.gmtime()), "level": "ERROR"}
        line.update(body)
        text = dumps(line)
    else:
        head = "[ERROR] " + body["errorType"]
        if body["errorMessage"]:
            head += ": " + body["errorMessage"]
        lines = [head, "Traceback (most recent call last):"]
        for entry in body["stackTrace"]:
            for line in entry.splitlines():
                bare = line.lstrip(" ")
                lines.append("\u00a0" * (len(line) - len(bare)) + bare)
        # A carriage return keeps the lines together as one log event.
        text = "\r".join(line.replace("\n", "\r") for line in lines)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


# What AWS's runtime says above an error of the init, whatever the error.
WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, or can be applied "
    "automatically. To determine if the runtime has been updated, check the runtime version in the INIT_START log entry. "
    "If this error correlates with a change in the runtime version, you may be able to mitigate this error by "
    "temporarily rolling back to the previous runtime version. "
    "For more information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r")


def post_error(api, path, body):
    return api.call("POST", path, dumps(body).encode("utf-8"),
                    "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: %s\r\n" % body["errorType"])


def handle(api, handler, headers, payload):
    request_id = headers["lambda-runtime-aws-request-id"]
    RequestId.current = request_id
    trace = headers.get("lambda-runtime-trace-id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        context = LambdaContext(headers)
        try:
            event = json.loads(payload)
        except ValueError as e:
            raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e)
        response = handler(event, context)
        kind = "application/json"
        if isinstance(response, bytes):
            result, kind = response, "application/unknown"
        else:
            try:
                result = dumps(response)
            except Exception as e:
                raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e)
    except Exception as e:
        body = describe(e, request_id)
        log_error(body)
        post_error(api, "invocation/%s/error" % request_id, body)
        return
    if isinstance(result, str):
        result = result.encode("utf-8")  # half of a surrogate pair ends the runtime, as on AWS
    api.call("POST", "invocation/%s/response" % request_id, result, "Content-Type: %s\r\n" % kind)


def main():
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    task = os.environ.get("LAMBDA_TASK_ROOT", os.getcwd())
    here = os.path.dirname(HERE)
    sys.path = [task] + [p for p in sys.path if p and os.path.abspath(p) != here]
    for path in [task] + os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if path and path != here:
            site.addsitedir(path)  # for the .pth files of packages and layers
    # The function is a module of its own, not part of this one.
    sys.modules.pop("bootstrap", None)
    set_up_logging()
    try:
        handler = find_handler(os.environ["_HANDLER"])
    except Exception as e:
        body = describe(e)
        logging.warning(WARNING)
        log_error(body)
        post_error(api, "init/error", body)
        sys.exit(1)
    while True:
        status, headers, payload = api.call("GET", "invocation/next")
        if status != 200:
            sys.exit(1)
        handle(api, handler, headers, payload)


if __name__ == "__main__":
    main()
