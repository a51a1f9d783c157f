"""Logs the changes of a DynamoDB table (the guide's DynamoDB tutorial)."""

import json


def lambda_handler(event, context):
    for record in event["Records"]:
        print(f"Change {record['eventID']} {record['eventName']}: {json.dumps(record['dynamodb'])}")
    print(f"Successfully processed {len(event['Records'])} records.")
