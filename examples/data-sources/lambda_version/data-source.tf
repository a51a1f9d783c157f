# The newest version that was published.
data "lambda_version" "newest" {
  function_name = "hello"
}

# The version that was made of this code.
data "lambda_version" "tested" {
  function_name = "hello"
  code_sha256   = "M0lPiQET1wkvF3Fa6L2FOsVIw8CjS92slm4gLNn+B/k="
}
