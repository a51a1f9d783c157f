# An engine of this project's own, beside others on the machine.
provider "lambda" {
  engine {
    endpoint = "http://127.0.0.1:4580"
    data_dir = ".lambda"
  }
}
