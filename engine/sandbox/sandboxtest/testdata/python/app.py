import json
import logging
import os
import sys
import threading
import time
import urllib.request

count = 0
ticks = 0


def ticker():
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1


def handler(event, context):
    global count
    count += 1
    op = event.get("op", "echo") if isinstance(event, dict) else "echo"
    if op == "echo":
        return event
    if op == "raise":
        raise ValueError("no good: %s" % event["why"])
    if op == "exit":
        os._exit(7)
    if op == "sleep":
        time.sleep(event["seconds"])
        return "slept"
    if op == "print":
        for i in range(event["lines"]):
            print("line %d" % i)
        sys.stdout.write("no line break")
        return None
    if op == "log":
        logging.getLogger().error("it hurts")
        return None
    if op == "large":
        return "x" * event["size"]
    if op == "length":
        return len(event["data"])
    if op == "count":
        return count
    if op == "tick":
        if threading.active_count() < 2:
            threading.Thread(target=ticker, daemon=True).start()
        return ticks
    if op == "eat":
        eaten = []
        while True:
            eaten.append(bytearray(8 << 20))
    if op == "spawn":
        import subprocess
        return subprocess.Popen(["sleep", "600"], start_new_session=True).pid
    if op == "tmp":
        import tempfile
        path = os.path.join(tempfile.gettempdir(), "mark")
        there = os.path.exists(path)
        open(path, "w").write("x")
        return there
    if op == "write":
        try:
            open(event["path"], "w").write("x")
        except OSError as e:
            return e.strerror
        return "written"
    if op == "context":
        return {
            "id": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "remaining": context.get_remaining_time_in_millis(),
            "name": context.function_name,
            "custom": context.client_context.custom if context.client_context else None,
            "identity": context.identity.cognito_identity_id if context.identity else None,
            "trace": os.environ.get("_X_AMZN_TRACE_ID"),
            "uid": os.getuid(),
            "cwd": os.getcwd(),
            "task": os.environ["LAMBDA_TASK_ROOT"],
        }
    if op == "get":
        return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + event["path"], timeout=5).read().decode()
    raise KeyError(op)
