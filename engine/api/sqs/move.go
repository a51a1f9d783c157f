package sqs

type moves struct{ tasks map[string]*moveTask }

type moveTask struct{}
