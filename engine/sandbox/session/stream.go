package session

import (
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// chunk is a piece of a streamed response on its way to the consumer.
type chunk struct {
	protocol.Chunk
	payload []byte
	taken   chan struct{} // closed once payload may be overwritten
}

// consumer passes chunks on to the stream of an invocation.
type consumer struct {
	inv   *sandbox.Invocation
	begun bool
	deaf  bool // it has failed to take a chunk and gets no more
}

func (c *consumer) take(piece chunk) {
	if c.inv.Stream == nil || piece.RequestID != c.inv.RequestID {
		return
	}
	if !c.begun {
		c.begun = true
		c.inv.Stream.Begin(piece.ContentType)
	}
	if len(piece.payload) > 0 && !c.deaf {
		_, err := c.inv.Stream.Write(piece.payload)
		c.deaf = err != nil
	}
}
