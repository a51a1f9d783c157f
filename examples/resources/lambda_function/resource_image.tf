# A container image.
resource "lambda_function" "report" {
  function_name = "report"
  role          = "arn:aws:iam::123456789012:role/report"
  package_type  = "Image"
  image_uri     = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/report:1.4.0"

  image_config {
    command = ["report.handler"]
  }

  ephemeral_storage {
    size = 2048
  }
}
