package invoke

import (
	"maps"
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
	reserved  map[catalog.Ref]bool // of functions that have calls under way, those with concurrency of their own
}

func newRunning(limit int) running {
	return running{max: limit, accounts: map[catalog.Scope]int{}, functions: map[catalog.Ref]int{}, reserved: map[catalog.Ref]bool{}}
}

// load is how many calls are under way: of an account in a region, of its functions
// without reserved concurrency, and of one function.
type load struct{ account, unreserved, function int }

// of returns the load that a function is part of. The caller holds the lock.
func (r *running) of(ref catalog.Ref) load {
	now := load{account: r.accounts[ref.Scope], unreserved: r.accounts[ref.Scope], function: r.functions[ref]}
	for reserved := range r.reserved {
		if reserved.Scope == ref.Scope {
			now.unreserved -= r.functions[reserved]
		}
	}
	return now
}

// all returns the loads of all functions that have calls under way.
func (r *running) all() map[catalog.Ref]load {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[catalog.Ref]load, len(r.functions))
	for ref := range r.functions {
		all[ref] = r.of(ref)
	}
	return all
}

// enter counts a call to f, or tells that it is one too many.
func (r *running) enter(f catalog.Function) (load, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ref := f.Ref()
	switch {
	case f.Reserved != nil && r.functions[ref] >= int(*f.Reserved):
		return load{}, throttled(types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded)
	case r.accounts[ref.Scope] >= r.max:
		return load{}, throttled(types.ThrottleReasonConcurrentInvocationLimitExceeded)
	}
	r.functions[ref]++
	r.accounts[ref.Scope]++
	if f.Reserved != nil {
		r.reserved[ref] = true
	} else {
		delete(r.reserved, ref)
	}
	return r.of(ref), nil
}

// Running returns how many calls of each function are under way.
func (i *Invoker) Running() map[catalog.Ref]int {
	i.running.mu.Lock()
	defer i.running.mu.Unlock()
	return maps.Clone(i.running.functions)
}

// leave ends a call that enter has counted.
func (r *running) leave(f catalog.Function) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ref := f.Ref()
	if r.functions[ref]--; r.functions[ref] == 0 {
		delete(r.functions, ref)
		delete(r.reserved, ref)
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
