variable "endpoint" {
  description = "Where the engine listens."
  type        = string
  default     = "http://127.0.0.1:4574"
}

variable "data_dir" {
  description = "Where the engine keeps its state."
  type        = string
  default     = ".lambda"
}

variable "role" {
  description = "Execution role of both functions. The engine takes any; AWS wants one that exists."
  type        = string
  default     = "arn:aws:iam::000000000000:role/quickstart"
}
