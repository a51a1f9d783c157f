# A queue, of which only some messages are of interest.
resource "lambda_event_source_mapping" "paid" {
  event_source_arn        = "arn:aws:sqs:us-east-1:123456789012:orders"
  function_name           = "ship"
  function_response_types = ["ReportBatchItemFailures"]

  filter_criteria {
    filter {
      pattern = jsonencode({ body = { status = ["paid"] } })
    }
  }

  scaling_config {
    maximum_concurrency = 5
  }
}
