# An archive that something else has built.
resource "lambda_function" "orders" {
  function_name = "orders"
  role          = "arn:aws:iam::123456789012:role/orders"
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = ["arm64"]
  filename      = "${path.module}/dist/orders.zip"

  # Publish a version with every change of the code or the configuration.
  publish = true

  # Never more than 5 at a time.
  reserved_concurrent_executions = 5

  logging_config {
    log_format = "JSON"
  }

  timeouts {
    create = "5m"
  }
}
