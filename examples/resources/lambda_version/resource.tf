resource "lambda_function" "hello" {
  function_name = "hello"
  role          = "arn:aws:iam::123456789012:role/hello"
  runtime       = "python3.13"
  handler       = "app.handler"
  source_dir    = "${path.module}/src"
}

# A version for every change of the code or the configuration.
resource "lambda_version" "hello" {
  function_name = lambda_function.hello.function_name
  code_sha256   = lambda_function.hello.code_sha256

  triggers = {
    config = lambda_function.hello.config_sha256
  }

  # Keep the newest ten, and whatever an alias points at.
  keep_last = 10
}

resource "lambda_alias" "beta" {
  function_name    = lambda_function.hello.function_name
  name             = "beta"
  function_version = lambda_version.hello.version
}
