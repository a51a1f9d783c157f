data "lambda_event_source_mapping" "orders" {
  event_source_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
  function_name    = "orders"
}

output "state" {
  value = data.lambda_event_source_mapping.orders.state
}
