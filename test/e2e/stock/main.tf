# What people write for AWS, with nothing in it that would tell the engine from it.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0"
    }
  }
}

provider "aws" {}

variable "code" {
  description = "Package of the function."
  type        = string
}

variable "layer" {
  description = "Package of the layer."
  type        = string
}

variable "second" {
  description = "Whether everything that can be updated has its second value."
  type        = bool
  default     = false
}

data "aws_caller_identity" "me" {}

resource "aws_lambda_layer_version" "tools" {
  layer_name          = "tools"
  filename            = var.layer
  compatible_runtimes = ["python3.13"]
}

resource "aws_lambda_layer_version_permission" "tools" {
  layer_name     = aws_lambda_layer_version.tools.layer_name
  version_number = aws_lambda_layer_version.tools.version
  statement_id   = "all"
  action         = "lambda:GetLayerVersion"
  principal      = "*"
}

resource "aws_lambda_code_signing_config" "lax" {
  allowed_publishers {
    signing_profile_version_arns = ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abc"]
  }
}

resource "aws_cloudwatch_log_group" "f" {
  name              = "/aws/lambda/f"
  retention_in_days = var.second ? 30 : 14

  tags = {
    team = var.second ? "green" : "blue"
  }
}

resource "aws_lambda_function" "f" {
  function_name                  = "f"
  role                           = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:role/r"
  handler                        = "app.handler"
  runtime                        = "python3.13"
  filename                       = var.code
  source_code_hash               = filebase64sha256(var.code)
  publish                        = true
  timeout                        = var.second ? 10 : 3
  layers                         = [aws_lambda_layer_version.tools.arn]
  reserved_concurrent_executions = var.second ? 6 : 5
  code_signing_config_arn        = var.second ? aws_lambda_code_signing_config.lax.arn : null

  logging_config {
    log_format            = var.second ? "JSON" : "Text"
    log_group             = aws_cloudwatch_log_group.f.name
    system_log_level      = var.second ? "DEBUG" : null
    application_log_level = var.second ? "INFO" : null # without one, the provider finds changes of a published function for ever
  }

  environment {
    variables = var.second ? {} : { KEY = "value" }
  }

  tags = {
    team = var.second ? "green" : "blue"
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.f.function_name
  function_version = aws_lambda_function.f.version
}

resource "aws_lambda_permission" "bucket" {
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.f.function_name
  qualifier      = aws_lambda_alias.live.name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::b"
  source_account = data.aws_caller_identity.me.account_id
}

resource "aws_lambda_event_source_mapping" "source" {
  event_source_arn  = "arn:aws:kinesis:us-east-1:${data.aws_caller_identity.me.account_id}:stream/source"
  function_name     = aws_lambda_alias.live.arn
  starting_position = "LATEST"
  batch_size        = var.second ? 10 : 100

  tags = {
    team = "blue"
  }
}

resource "aws_lambda_function_url" "live" {
  function_name      = aws_lambda_function.f.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "NONE"
  invoke_mode        = var.second ? "RESPONSE_STREAM" : "BUFFERED"

  cors {
    allow_origins = ["*"]
    max_age       = 60
  }
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  function_name                     = aws_lambda_function.f.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = 1
}

resource "aws_lambda_function_event_invoke_config" "live" {
  function_name          = aws_lambda_function.f.function_name
  qualifier              = aws_lambda_alias.live.name
  maximum_retry_attempts = var.second ? 0 : 1
}

resource "aws_lambda_function_recursion_config" "f" {
  function_name  = aws_lambda_function.f.function_name
  recursive_loop = var.second ? "Terminate" : "Allow"
}

resource "aws_lambda_runtime_management_config" "f" {
  function_name     = aws_lambda_function.f.function_name
  update_runtime_on = var.second ? "FunctionUpdate" : "Auto"
}

resource "aws_lambda_invocation" "live" {
  function_name = aws_lambda_function.f.function_name
  qualifier     = aws_lambda_alias.live.name
  input         = jsonencode({ version = aws_lambda_function.f.version })
}

data "aws_lambda_function" "f" {
  function_name = aws_lambda_function.f.function_name
  qualifier     = aws_lambda_alias.live.name
}

data "aws_cloudwatch_log_group" "f" {
  name = aws_cloudwatch_log_group.f.name
}

data "aws_lambda_functions" "all" {
  depends_on = [aws_lambda_function.f]
}

data "aws_lambda_alias" "live" {
  function_name = aws_lambda_function.f.function_name
  name          = aws_lambda_alias.live.name
}

data "aws_lambda_layer_version" "tools" {
  layer_name = aws_lambda_layer_version.tools.layer_name
}

output "answers" {
  value = {
    invocation = jsondecode(aws_lambda_invocation.live.result)
    version    = data.aws_lambda_function.f.version
    alias      = data.aws_lambda_alias.live.function_version
    functions  = data.aws_lambda_functions.all.function_names
    retention  = data.aws_cloudwatch_log_group.f.retention_in_days
    layer      = data.aws_lambda_layer_version.tools.version
  }
}
