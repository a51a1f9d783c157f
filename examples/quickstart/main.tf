# A Python function behind three aliases, and a Node.js function fed from a stream.
# `terraform apply` runs both on this machine.

terraform {
  required_providers {
    lambda = {
      source = "lambdaform/lambda"
    }
  }
}

provider "lambda" {
  target = "local" # "aws" deploys the functions to AWS

  engine {
    endpoint = var.endpoint
    data_dir = var.data_dir
  }
}

resource "lambda_function" "hello" {
  function_name = "hello"
  description   = "Greets, and says how long ago a moment was"
  runtime       = "python3.13"
  handler       = "app.handler"
  role          = var.role
  source_dir    = "${path.module}/build/hello"
  publish       = true # each change of the code becomes a version

  environment {
    variables = {
      GREETING = "Hello"
    }
  }
}

# Callers use an alias; an alias says which version serves them.

resource "lambda_alias" "dev" {
  function_name    = lambda_function.hello.function_name
  name             = "dev"
  function_version = "$LATEST"
}

resource "lambda_alias" "beta" {
  function_name    = lambda_function.hello.function_name
  name             = "beta"
  function_version = lambda_function.hello.version # the newest
}

# Numbers are never used again: after a destroy, take the next from the output newest_version.
resource "lambda_alias" "live" {
  function_name    = lambda_function.hello.function_name
  name             = "live"
  function_version = "1" # promote and roll back by changing this line
}

resource "lambda_permission" "bucket" {
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = lambda_function.hello.function_name
  qualifier      = lambda_alias.live.name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::uploads"
  source_account = "123456789012"
}

resource "lambda_function" "orders" {
  function_name = "orders"
  description   = "Logs the orders that come down a stream"
  runtime       = "nodejs22.x"
  handler       = "index.handler"
  role          = var.role
  source_dir    = "${path.module}/build/orders"
}

resource "lambda_local_stream" "orders" {
  name        = "orders"
  shard_count = 1
}

resource "lambda_event_source_mapping" "orders" {
  event_source_arn  = lambda_local_stream.orders.arn
  function_name     = lambda_function.orders.function_name
  starting_position = "TRIM_HORIZON"
  batch_size        = 10
}
