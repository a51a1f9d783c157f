resource "lambda_local_stream" "orders" {
  name        = "orders"
  shard_count = 2
}

resource "lambda_event_source_mapping" "orders" {
  event_source_arn  = lambda_local_stream.orders.arn
  function_name     = "orders"
  starting_position = "LATEST"
}
