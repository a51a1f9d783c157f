"""What the topics share: clients that remember what they did, functions to work on, and expectations."""

import contextlib
import io
import time
import zipfile

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111111111111:role/r"

answered = set()  # operations that have answered with success, such as "lambda.Invoke"
caught = set()  # exceptions that were caught as their type


def connect(service, inject_host_prefix=None, **settings):
    """A client that neither tries again nor checks what it sends, unless told otherwise."""
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    if inject_host_prefix is not None:
        config = config.merge(Config(inject_host_prefix=inject_host_prefix))
    client = boto3.client(service, config=config, **settings)

    def remember(http_response, model, **_):
        if http_response.status_code < 300:
            answered.add(f"{service}.{model.name}")

    client.meta.events.register("after-call", remember)
    return client


client = connect("lambda")
errors = client.exceptions


def package(source, name="app.py"):
    """A zip with one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, source)
    return file.getvalue()


def code(body):
    """A package whose handler has that body."""
    return package(f"def handler(event, context):\n    {body}\n")


def create(name, body="return event", **arguments):
    """A function that is ready to be changed."""
    defaults = {"Runtime": "python3.13", "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": code(body)}}
    created = client.create_function(FunctionName=name, **(defaults | arguments))
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return created


def pages(operation, expression, of=client, **arguments):
    """What a paginator finds when there is one item on a page."""
    answers = list(of.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1}, **arguments))
    assert len(answers) > 1, f"{operation} has answered in one page"
    return [item for answer in answers for item in jmespath.search(expression, answer)]


@contextlib.contextmanager
def raises(exception, status, message=""):
    """Expects an error to be caught as just that exception, and yields its response."""
    response = {}
    try:
        yield response
    except exception as e:
        assert type(e) is exception, f"{e!r} is no {exception.__name__} itself"
        response.update(e.response)
    else:
        raise AssertionError(f"no {exception.__name__}")
    caught.add(exception.__name__)
    check(response, status, message)


@contextlib.contextmanager
def unmodelled(code, status, message=""):
    """Expects an error that AWS sends although its model has no type for it."""
    try:
        yield
    except ClientError as e:
        assert type(e) is ClientError, f"{e!r} has a type"
        assert e.response["Error"]["Code"] == code, e.response
        check(e.response, status, message)
    else:
        raise AssertionError(f"no {code}")


def check(response, status, message):
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status, response
    assert len(response["ResponseMetadata"]["RequestId"]) == 36, response
    assert response["Error"]["Message"].startswith(message), response["Error"]["Message"]


def eventually(condition, what):
    """Waits for what the engine does in its own time."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)
