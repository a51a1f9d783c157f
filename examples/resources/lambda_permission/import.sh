# By the function and the statement id; with a qualifier, if the permission has one.
terraform import lambda_permission.partner hello/partner
terraform import lambda_permission.bucket hello:live/uploads
