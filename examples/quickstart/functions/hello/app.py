"""Greets a person, and says in words how long ago a moment was."""

import datetime
import os

import humanize

RELEASE = 1


def handler(event, context):
    name = event.get("name", "world")
    print(f"greeting {name}")
    launched = datetime.timedelta(days=datetime.date.today().toordinal() - datetime.date(2014, 11, 13).toordinal())
    return {
        "message": f"{os.environ['GREETING']}, {name}!",
        "release": RELEASE,
        "lambda_was_announced": humanize.naturaltime(launched),
        "arn": context.invoked_function_arn,
        "version": context.function_version,
    }
