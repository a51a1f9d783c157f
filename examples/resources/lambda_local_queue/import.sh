# By the name of the queue.
terraform import lambda_local_queue.orders orders
