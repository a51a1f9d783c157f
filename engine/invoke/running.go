package invoke

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// running counts the calls under way, of each account and of each function over
// all its versions (spec behaviour §3.1).
type running struct {
	max int // of an account in a region

	mu        sync.Mutex
	accounts  map[catalog.Scope]int
	functions map[catalog.Ref]int
}

// enter counts a call to f, or tells that it is one too many.
func (r *running) enter(f catalog.Function) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	ref := f.Ref()
	switch {
	case f.Reserved != nil && r.functions[ref] >= int(*f.Reserved):
		return throttled(types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded)
	case r.accounts[ref.Scope] >= r.max:
		return throttled(types.ThrottleReasonConcurrentInvocationLimitExceeded)
	}
	r.functions[ref]++
	r.accounts[ref.Scope]++
	return nil
}

// leave ends a call that enter has counted.
func (r *running) leave(f catalog.Function) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ref := f.Ref()
	if r.functions[ref]--; r.functions[ref] == 0 {
		delete(r.functions, ref)
	}
	if r.accounts[ref.Scope]--; r.accounts[ref.Scope] == 0 {
		delete(r.accounts, ref.Scope)
	}
}

// retryAfter is what a throttled client is told to wait, in seconds.
const retryAfter = "1"

func throttled(reason types.ThrottleReason) error {
	message, kind, after := "Rate Exceeded.", "User", retryAfter
	return &types.TooManyRequestsException{Message: &message, Type: &kind, Reason: reason, RetryAfterSeconds: &after}
}
