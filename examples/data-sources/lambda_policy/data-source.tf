data "lambda_policy" "live" {
  function_name = "hello"
  qualifier     = "live"
}

output "who_may_call" {
  value = data.lambda_policy.live.statements[*].principal
}
