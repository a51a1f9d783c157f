"""The local CloudWatch: metrics of functions and custom ones, alarms."""

from datetime import datetime, timedelta, timezone

import support
from support import client, connect, create, eventually, pages, raises, unmodelled

cloudwatch = connect("cloudwatch")
errors = cloudwatch.exceptions
ALARM = {
    "AlarmName": "failing", "Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [{"Name": "FunctionName", "Value": "watched"}],
    "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}  # fmt: skip
ARN = "arn:aws:cloudwatch:us-east-1:111111111111:alarm:failing"


def recently():
    now = datetime.now(timezone.utc)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1)}


def statistics(name, *dimensions, **arguments):
    dimensions = [dict(zip(("Name", "Value"), d)) for d in dimensions]
    defaults = {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions, "Period": 3600}
    if not arguments.get("ExtendedStatistics"):
        defaults["Statistics"] = ["Sum"]
    return cloudwatch.get_metric_statistics(**(defaults | recently() | arguments))["Datapoints"]


def test_metrics_of_functions():
    create("watched", "return 1 / event['n']")
    for n in (b"1", b"0", b"2"):
        client.invoke(FunctionName="watched", Payload=b'{"n":%b}' % n)
    function = ("FunctionName", "watched")
    assert [d["Sum"] for d in statistics("Invocations", function)] == [3]
    assert [d["Sum"] for d in statistics("Errors", function, ("Resource", "watched"))] == [1]
    assert [d["Sum"] for d in statistics("Throttles", function)] == [0]
    (duration,) = statistics("Duration", function, ExtendedStatistics=["p50", "p99"])
    assert 0 < duration["ExtendedStatistics"]["p50"] <= duration["ExtendedStatistics"]["p99"], duration
    assert duration["Unit"] == "Milliseconds", duration
    listed = cloudwatch.list_metrics(Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": "watched"}])
    names = {m["MetricName"] for m in listed["Metrics"]}
    assert names == {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"}, names


def test_custom_metrics():
    now = datetime.now(timezone.utc)
    data = [{"MetricName": f"m{i}", "Value": i, "Timestamp": now, "Unit": "Seconds"} for i in range(501)]
    cloudwatch.put_metric_data(Namespace="Custom", MetricData=data)
    found = [m for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="Custom") for m in page["Metrics"]]
    assert len(found) == 501, len(found)
    queries = [
        {"Id": "a", "MetricStat": {"Metric": {"Namespace": "Custom", "MetricName": "m7"}, "Period": 60, "Stat": "Maximum"}},
        {"Id": "b", "Expression": "a * 6"},
    ]
    got = cloudwatch.get_metric_data(MetricDataQueries=queries, **recently())["MetricDataResults"]
    assert [(r["Id"], r["Values"]) for r in got] == [("a", [7]), ("b", [42])], got
    assert [d["Sum"] for d in statistics("m7", Namespace="Custom")] == [7]


def test_alarms():
    for name in ("failing", "other"):
        cloudwatch.put_metric_alarm(**(ALARM | {"AlarmName": name}), Tags=[{"Key": "a", "Value": "b"}])
    eventually(lambda: cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"], "the error has an effect")
    assert sorted(pages("describe_alarms", "MetricAlarms[].AlarmName", cloudwatch)) == ["failing", "other"]
    found = cloudwatch.describe_alarms_for_metric(**{k: ALARM[k] for k in ("Namespace", "MetricName", "Dimensions")})
    assert len(found["MetricAlarms"]) == 2 and found["MetricAlarms"][0]["AlarmArn"] == ARN, found
    cloudwatch.disable_alarm_actions(AlarmNames=["failing"])
    assert not cloudwatch.describe_alarms(AlarmNames=["failing"])["MetricAlarms"][0]["ActionsEnabled"]
    cloudwatch.enable_alarm_actions(AlarmNames=["failing"])
    cloudwatch.set_alarm_state(AlarmName="failing", StateValue="INSUFFICIENT_DATA", StateReason="testing")
    history = pages("describe_alarm_history", "AlarmHistoryItems[].HistoryItemType", cloudwatch, AlarmName="failing")
    assert history[-1] == "ConfigurationUpdate" and history.count("StateUpdate") >= 2, history
    cloudwatch.tag_resource(ResourceARN=ARN, Tags=[{"Key": "c", "Value": "d"}])
    cloudwatch.untag_resource(ResourceARN=ARN, TagKeys=["a"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=ARN)["Tags"] == [{"Key": "c", "Value": "d"}]


def test_refused():
    with raises(errors.InvalidParameterCombinationException, 400, "At least one of the parameters"):
        cloudwatch.get_metric_statistics(Namespace="AWS/Lambda", MetricName="Errors", Period=60, **recently())
    with raises(errors.MissingRequiredParameterException, 400, "The parameter Threshold is required."):
        cloudwatch.put_metric_alarm(**{k: v for k, v in ALARM.items() if k != "Threshold"})
    with raises(errors.InvalidParameterValueException, 400):
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "m", "Value": 1}])
    with raises(errors.InvalidNextToken, 400):
        cloudwatch.list_metrics(NextToken="x")
    with raises(errors.ResourceNotFound, 404):
        cloudwatch.set_alarm_state(AlarmName="nope", StateValue="OK", StateReason="testing")
    with raises(errors.ResourceNotFoundException, 404):
        cloudwatch.list_tags_for_resource(ResourceARN=ARN + "s")
    with unmodelled("ValidationError", 400):
        cloudwatch.put_metric_alarm(**(ALARM | {"Period": 10}))


def test_delete():
    cloudwatch.delete_alarms(AlarmNames=["failing", "other"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    support.client.delete_function(FunctionName="watched")
