"""Logs what the records of a Kinesis stream carry (the guide's Kinesis tutorial)."""

import base64


def lambda_handler(event, context):
    for record in event["Records"]:
        payload = base64.b64decode(record["kinesis"]["data"]).decode()
        print("Decoded payload: " + payload)
