output "function_arns" {
  value = [lambda_function.hello.arn, lambda_function.orders.arn]
}

output "alias_arns" {
  value = {
    dev  = lambda_alias.dev.arn
    beta = lambda_alias.beta.arn
    live = lambda_alias.live.arn
  }
}

output "newest_version" {
  value = lambda_function.hello.version
}

output "live_version" {
  value = lambda_alias.live.function_version
}

output "stream" {
  value = lambda_local_stream.orders.name
}

output "invoke" {
  value = "terraform-provider-lambda invoke hello:live -p '{\"name\": \"Ada\"}' --tail --endpoint ${var.endpoint}"
}
