data "lambda_alias" "live" {
  function_name = "hello"
  name          = "live"
}

output "live_version" {
  value = data.lambda_alias.live.function_version
}
