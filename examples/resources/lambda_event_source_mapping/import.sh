# By the UUID of the mapping.
terraform import lambda_event_source_mapping.orders 91eaeb7e-c976-4b4a-8bc1-3a7a7d1e0c5c
