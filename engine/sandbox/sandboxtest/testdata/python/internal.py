"""A function that is an extension as well."""

import json
import os
import signal
import threading
import urllib.error
import urllib.request


def call(method, path, body=None, **headers):
    url = "http://%s/2020-01-01/extension/%s" % (os.environ["AWS_LAMBDA_RUNTIME_API"], path)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body and body.encode(), headers, method=method)
    return urllib.request.urlopen(request)


def ended(*_):
    print("inside SIGTERM", flush=True)
    os._exit(0)


def listen(identifier):
    while True:
        event = call("GET", "event/next", Lambda_Extension_Identifier=identifier).read().decode()
        print("inside event", event, flush=True)


try:
    call("POST", "register", '{"events":["SHUTDOWN"]}', Lambda_Extension_Name="inside")
except urllib.error.HTTPError as error:
    print("inside", error.code, error.read().decode(), flush=True)
registered = call("POST", "register", '{"events":["INVOKE"]}', Lambda_Extension_Name="inside")
print("inside registered", registered.read().decode(), flush=True)
signal.signal(signal.SIGTERM, ended)
threading.Thread(target=listen, args=[registered.headers["Lambda-Extension-Identifier"]], daemon=True).start()


def handler(event, context):
    return json.loads(json.dumps(event))
