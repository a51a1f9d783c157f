package engine

import "github.com/nats-io/nats.go/jetstream"

// JetStream gives benchmarks what the engine stores in.
func (e *Engine) JetStream() jetstream.JetStream { return e.store.JetStream() }
