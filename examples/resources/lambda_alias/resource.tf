# Promoting is changing this number; rolling back is changing it back.
resource "lambda_alias" "live" {
  function_name    = "hello"
  name             = "live"
  function_version = "12"
}
