# One call in ten goes to the new version.
resource "lambda_alias" "canary" {
  function_name    = "hello"
  name             = "canary"
  description      = "Tries version 13"
  function_version = "12"

  routing_config {
    additional_version_weights = {
      "13" = 0.1
    }
  }
}
