# Two accounts, and little room for code.
authentication = "strict"

credentials "AKIAOWNER" {
  secret_key = "owner's"
  account_id = "111111111111"
}

credentials "AKIABOB" {
  secret_key = "bob's"
  principal  = "arn:aws:iam::222222222222:user/bob"
}

limits {
  total_code_size = 20000000
}
