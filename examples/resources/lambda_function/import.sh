# By the name of the function, or by its ARN.
terraform import lambda_function.hello hello
