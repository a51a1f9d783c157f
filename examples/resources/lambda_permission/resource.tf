# The bucket may call whatever version is live.
resource "lambda_permission" "bucket" {
  statement_id   = "uploads"
  action         = "lambda:InvokeFunction"
  function_name  = "hello"
  qualifier      = "live"
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::uploads"
  source_account = "123456789012"
}

# Another account may call the function.
resource "lambda_permission" "partner" {
  action        = "lambda:InvokeFunction"
  function_name = "hello"
  principal     = "210987654321"
}
