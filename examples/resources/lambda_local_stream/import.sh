# By the name of the stream.
terraform import lambda_local_stream.orders orders
