# By the names of the function and the alias, or by the ARN of the alias.
terraform import lambda_alias.live hello/live
