resource "lambda_function" "hello" {
  function_name = "hello"
  role          = "arn:aws:iam::123456789012:role/hello"
  runtime       = "python3.13"
  handler       = "app.handler"

  # Packed by the provider: the same files give the same archive everywhere, so
  # the plan knows whether there is anything to deploy.
  source_dir      = "${path.module}/src"
  source_excludes = ["tests", "*.md", "**/__pycache__/**"]

  memory_size = 256
  timeout     = 10

  environment {
    variables = {
      GREETING = "Hello"
    }
  }

  tags = {
    team = "greetings"
  }
}
