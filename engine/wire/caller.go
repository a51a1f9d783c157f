package wire

import "context"

// Identity is who makes a request, as policies see it. An AWS service has no
// principal: it acts on behalf of a source.
type Identity struct {
	Account      string // 12 digits
	Principal    string // ARN of a root user, user, role or session
	Organization string // such as o-abcdefghij; may be empty

	Service          string // such as s3.amazonaws.com, when a service calls
	SourceARN        string
	SourceAccount    string
	EventSourceToken string
}

// Root is the identity of an account's root user.
func Root(account string) Identity {
	return Identity{Account: account, Principal: "arn:aws:iam::" + account + ":root"}
}

// Name is what AWS's messages call the identity.
func (i Identity) Name() string {
	if i.Service != "" {
		return i.Service
	}
	return i.Principal
}

// Credential is what a server knows of an access key.
type Credential struct {
	Identity
	SecretKey string // needed to verify signatures only
}

// Caller is who made a request, where it was sent, and for what: an identity, and the
// region of the request's signature. Server.Authenticate says who is believed.
type Caller struct {
	Identity
	Action      string // such as lambda:GetFunction; empty outside of an operation
	Host        string // as the caller knows the server, with its port
	Region      string // such as us-east-1
	AccessKeyID string // empty when the request was not signed
	RequestID   string // UUID, also sent back as x-amzn-RequestId
	Inside      bool   // a function calls, or the engine itself, whosever key it uses
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
