package wire

import "context"

// Caller is who made a request and where it was sent, read off the request's
// SigV4 credential scope. The engine does not verify signatures: any
// well-formed one is accepted, and an unsigned request gets the defaults.
type Caller struct {
	Account     string // 12 digits
	Region      string // such as us-east-1
	AccessKeyID string // empty when the request was not signed
	RequestID   string // UUID, also sent back as x-amzn-RequestId
}

type callerKey struct{}

// WithCaller returns a context that carries c.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller that the wire layer put into ctx, or the zero Caller.
func CallerFrom(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
