# A stream, read from its beginning.
resource "lambda_event_source_mapping" "orders" {
  event_source_arn  = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
  function_name     = "orders:live"
  starting_position = "TRIM_HORIZON"

  batch_size                         = 50
  maximum_batching_window_in_seconds = 2
  maximum_retry_attempts             = 5
}
