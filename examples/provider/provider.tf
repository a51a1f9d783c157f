terraform {
  required_providers {
    lambda = {
      source = "lambdaform/lambda"
    }
  }
}

# The engine on this machine: found where it listens, or started.
provider "lambda" {
  target = "local"
}

# AWS, with the same resources.
provider "lambda" {
  alias  = "aws"
  target = "aws"
  region = "eu-central-1"

  default_tags {
    tags = {
      project = "shop"
    }
  }
}
