resource "lambda_local_queue" "dead" {
  name = "orders-dead"
}

resource "lambda_local_queue" "orders" {
  name                       = "orders"
  visibility_timeout_seconds = 60
  redrive_policy = jsonencode({
    deadLetterTargetArn = lambda_local_queue.dead.arn
    maxReceiveCount     = 4
  })
}

resource "lambda_local_queue" "payments" {
  name                        = "payments.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}
