package wire

import (
	"net/http"
	"strings"
)

// targets are the prefixes of X-Amz-Target of services that may be elsewhere, with the
// names that requests for them are signed for.
var targets = map[string]string{
	"DynamoDB_20120810":        "dynamodb",
	"DynamoDBStreams_20120810": "dynamodb",
	"AmazonSQS":                "sqs",
	"AWSEvents":                "events",
	"Kinesis_20131202":         "kinesis",
}

// elsewhere tells which service a request is for, and what serves that if it is not
// here. The target says so, or else the signature: neither looks at the body.
func (s *Server) elsewhere(r *http.Request, sig signature) (string, http.Handler) {
	if s.config.Elsewhere == nil {
		return "", nil
	}
	name := sig.service
	if prefix, _, ok := strings.Cut(r.Header.Get(targetHeader), "."); ok && targets[prefix] != "" {
		name = targets[prefix]
	}
	if name == "" {
		return "", nil
	}
	return name, s.config.Elsewhere(name)
}

// permitsElsewhere is what permits asks of the operations that are here.
func (s *Server) permitsElsewhere(caller Caller, sig signature, name string) error {
	switch {
	case s.config.Strict && sig.given() && sig.service != name:
		return misdirected(name)
	case caller.Service != "":
		return refusal("AccessDeniedException", "User: %s is not authorized to perform: %s:*", caller.Service, name)
	}
	return nil
}
