# By the name of the function and the number of the version, or by the ARN of the version.
terraform import lambda_version.hello hello/3
