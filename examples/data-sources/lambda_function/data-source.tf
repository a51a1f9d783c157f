# What the alias live serves.
data "lambda_function" "live" {
  function_name = "hello"
  qualifier     = "live"
}

output "live_version" {
  value = data.lambda_function.live.version
}
