package wire

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// insideKey marks requests that did not come over the network.
type insideKey struct{}

// Inside serves requests that reach the engine by a way of its own. They are
// who's, whatever they say of themselves, unless they are signed with the key of
// somebody else: a function may well have credentials of its own choice.
func (s *Server) Inside(who Identity) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(withIdentity(r.Context(), who)))
	})
}

func withIdentity(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, insideKey{}, who)
}

// Authenticate tells who makes a request. A strict server believes a signature
// that it has verified, and nothing else; to do so it reads the body, and puts
// what it has read back in its place. Any other server believes the access key: a
// key that it knows is its owner's, one of 12 digits is the root user's of that
// account, as other local clouds have it, and all else is the default account's.
func (s *Server) Authenticate(r *http.Request) (Caller, error) {
	caller, _, err := s.authenticate(r)
	return caller, err
}

func (s *Server) authenticate(r *http.Request) (Caller, signature, error) {
	caller := Caller{Identity: Root(s.config.Account), Host: r.Host, Region: s.config.Region, RequestID: uuid.NewString()}
	sig, err := readSignature(r)
	if err != nil {
		return caller, sig, err
	}
	caller.AccessKeyID = sig.accessKeyID
	if sig.region != "" {
		caller.Region = sig.region
	}
	who, inside := r.Context().Value(insideKey{}).(Identity)
	caller.Inside = inside
	if inside && (!sig.given() || sig.accessKeyID == who.Account) {
		caller.Identity = who
		return caller, sig, nil
	}
	known, ok := s.config.Credentials[sig.accessKeyID]
	switch {
	case ok:
		caller.Identity = known.Identity
	case len(sig.accessKeyID) == 12 && isDigits(sig.accessKeyID):
		caller.Identity = Root(sig.accessKeyID)
	}
	switch {
	case !s.config.Strict:
		return caller, sig, nil
	case !sig.given():
		return caller, sig, refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
	case !ok:
		return caller, sig, refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	return caller, sig, sig.verify(r, known.SecretKey, s.config.Now())
}

// permits holds a request against what its operation asks of every caller: a
// signature is good for one service only, and AWS's services do nothing but invoke.
func (s *Server) permits(caller Caller, sig signature, svc *Service, op *operation) error {
	if op == nil {
		return nil
	}
	name := svc.model.Metadata.SigningName
	if s.config.Strict && sig.given() && sig.service != name {
		return misdirected(name)
	}
	if caller.Service != "" && !strings.HasPrefix(op.name, "Invoke") {
		return refusal("AccessDeniedException", "User: %s is not authorized to perform: %s", caller.Service, caller.Action)
	}
	return nil
}

// misdirected is the error of a signature for another service.
func misdirected(service string) *Error {
	return refusal("InvalidSignatureException", "Credential should be scoped to correct service: '%s'. ", service)
}
