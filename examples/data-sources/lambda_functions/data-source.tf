data "lambda_functions" "all" {}

output "functions" {
  value = data.lambda_functions.all.function_names
}
