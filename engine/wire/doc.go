// Package wire speaks AWS's HTTP protocols so that nothing else has to.
//
// An API model (models/*.json) says which operations a service has, where each
// member of a request travels and what it may contain. NewService reads it once
// and binds every operation to the Go method of the same name, over the SDK's
// own types:
//
//	func (s *API) CreateAlias(ctx context.Context, in *lambda.CreateAliasInput) (*lambda.CreateAliasOutput, error)
//
// A request then goes through these files:
//
//	authenticate.go  signature.go  verify.go   who calls, and whether that is proved
//	server.go    picks the service, names the request
//	restjson.go  json.go  query.go   one protocol each: request to tree, output to response
//	validate.go  the tree against the model's constraints: ValidationException
//	decode.go    the tree into the SDK's input struct
//	service.go   the call
//	encode.go    the SDK's output struct to JSON
//	fault.go     an error to the answer AWS gives
//
// The tree is what encoding/json makes of a body, with the URI's, the query's and
// the headers' members beside it, keyed by member name. What is known before the
// first request (routes, struct fields, patterns) is compiled at start-up.
package wire
