"""Runs a Python function: AWS Lambda's runtime interface, on any Python from 3.8.

It answers as AWS's own Python runtime does: the same log lines, error bodies,
error types and context. It speaks to the Runtime API over one connection.
"""

import importlib
import json
import logging
import os
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

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, values.get(name))
        self._names = names

    def __repr__(self):
        return "%s([%s])" % (
            self.__class__.__name__, ",".join("%s=%s" % (n, getattr(self, n)) for n in self._names))


class CognitoIdentity(Fields):
    pass


class Client(Fields):
    pass


class ClientContext(Fields):
    pass


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self._deadline = int(headers.get("lambda-runtime-deadline-ms", 0))
        given = parse(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        self.identity = CognitoIdentity(
            ["cognito_identity_id", "cognito_identity_pool_id"],
            {"cognito_identity_id": given.get("cognitoIdentityId"),
             "cognito_identity_pool_id": given.get("cognitoIdentityPoolId")})
        given = parse(headers.get("lambda-runtime-client-context"), "Client Context")
        self.client_context = None
        if given:
            client = given.get("client")
            if client is not None:
                client = Client(["installation_id", "app_title", "app_version_name",
                                 "app_version_code", "app_package_name"], client)
            self.client_context = ClientContext(
                ["custom", "env", "client"],
                {"custom": given.get("custom"), "env": given.get("env"), "client": client})

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, msg):
        sys.stdout.write(str(msg))
        sys.stdout.flush()

    def __repr__(self):
        names = ["aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
                 "function_version", "invoked_function_arn", "client_context", "identity"]
        return "LambdaContext([%s])" % ",".join("%s=%s" % (n, getattr(self, n)) for n in names)


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
        sys.stdout.write(self.format(record))
        sys.stdout.flush()


LEVELS = {"TRACE": logging.NOTSET, "DEBUG": logging.DEBUG, "INFO": logging.INFO,
          "WARN": logging.WARNING, "ERROR": logging.ERROR, "FATAL": logging.CRITICAL}


class JsonFormatter(logging.Formatter):
    standard = set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"aws_request_id", "message", "asctime"}

    def format(self, record):
        level = {"WARNING": "WARN", "CRITICAL": "FATAL"}.get(record.levelname, record.levelname)
        out = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
               "level": level, "message": record.getMessage(), "logger": record.name}
        if record.exc_info:
            kind, value, tb = record.exc_info
            out["stackTrace"] = traceback.format_list(traceback.extract_tb(tb))
            out["errorType"] = kind.__name__ if kind else None
            out["errorMessage"] = str(value)
            out["location"] = "%s:%s:%d" % (record.pathname, record.funcName, record.lineno)
        out.update({k: v for k, v in record.__dict__.items() if k not in self.standard})
        out["requestId"] = getattr(record, "aws_request_id", None) or None
        return json.dumps(out, default=str) + "\n"


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
    level = LEVELS.get(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper())
    if level is not None:
        root.setLevel(level)


def default(value):
    if isinstance(value, Decimal):
        return float(value) if value % 1 else int(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def encode(value):
    return json.dumps(value, ensure_ascii=False, default=default).encode("utf-8", "surrogatepass")


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
    """The error body. The frames of this file and of the import machinery above
    the function's own are nobody's business."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        frames = traceback.extract_tb(error.__traceback__)
        mine = [i for i, f in enumerate(frames)
                if not f.filename.startswith("<frozen importlib") and "importlib/__init__.py" not in f.filename
                and os.path.abspath(f.filename) != HERE]
        kind, message = type(error).__name__, str(error)
        trace = traceback.format_list(frames[mine[0]:] if mine else [])
    return {"errorMessage": message or "", "errorType": kind, "requestId": request_id, "stackTrace": trace or []}


def log_error(body):
    if json_logs():
        line = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": "ERROR"}
        line.update(body)
        text = json.dumps(line)
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
    data = (text + "\n").encode("utf-8", "backslashreplace")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def post_error(api, path, body):
    return api.call("POST", path, encode(body),
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
        try:
            result = encode(response)
        except Exception as e:
            raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e)
    except Exception as e:
        body = describe(e, request_id)
        log_error(body)
        post_error(api, "invocation/%s/error" % request_id, body)
        return
    status, _, _ = api.call("POST", "invocation/%s/response" % request_id, result,
                            "Content-Type: application/json\r\n")
    if status == 413:
        body = {"errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
                "errorType": "Function.ResponseSizeTooLarge", "requestId": request_id, "stackTrace": []}
        log_error(body)
        post_error(api, "invocation/%s/error" % request_id, body)


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
