package invoke

import (
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// running counts the calls under way, of each account and of each function over
// all its versions (spec behaviour §3.1). Synchronous calls beyond the limits are
// refused; asynchronous events wait in turn for one that ends.
type running struct {
	max int // of an account in a region

	mu        sync.Mutex
	accounts  map[catalog.Scope]int
	functions map[catalog.Ref]int
	reserved  map[catalog.Ref]bool // of functions that have calls under way, those with concurrency of their own
	waiting   []*turn              // oldest first
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

// now returns the load that a function is part of.
func (r *running) now(ref catalog.Ref) load {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of(ref)
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

// turn is the place of a call in the line of those that wait.
type turn struct {
	function catalog.Function
	// come gets true when the call has been counted, and false when its function has
	// changed, so that it has to be looked at anew.
	come chan bool
}

// enter counts a call to f, or tells that it is one too many.
func (r *running) enter(f catalog.Function) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tryEnter(f)
}

// tryEnter is enter for who holds the lock.
func (r *running) tryEnter(f catalog.Function) error {
	ref := f.Ref()
	switch {
	case f.Reserved != nil && r.functions[ref] >= int(*f.Reserved):
		return throttled(types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded)
	case r.accounts[ref.Scope] >= r.max:
		return throttled(types.ThrottleReasonConcurrentInvocationLimitExceeded)
	}
	r.functions[ref]++
	r.accounts[ref.Scope]++
	if f.Reserved != nil {
		r.reserved[ref] = true
	} else {
		delete(r.reserved, ref)
	}
	return nil
}

// Running returns how many calls of each function are under way.
func (i *Invoker) Running() map[catalog.Ref]int {
	i.running.mu.Lock()
	defer i.running.mu.Unlock()
	return maps.Clone(i.running.functions)
}

// enterOrWait counts a call to f, or lines it up for when another ends. It returns
// nil if the call has been counted.
func (r *running) enterOrWait(f catalog.Function) *turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tryEnter(f) == nil {
		return nil
	}
	t := &turn{f, make(chan bool, 1)}
	r.waiting = append(r.waiting, t)
	return t
}

// abandon takes a call out of the line, and tells whether it has been counted before that.
func (r *running) abandon(t *turn) (entered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, t); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
		return false
	}
	return <-t.come
}

// leave ends a call that has been counted, and lets in whoever has waited longest
// and may run now.
func (r *running) leave(ref catalog.Ref) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ref.Qualifier = ""
	if r.functions[ref]--; r.functions[ref] == 0 {
		delete(r.functions, ref)
		delete(r.reserved, ref)
	}
	if r.accounts[ref.Scope]--; r.accounts[ref.Scope] == 0 {
		delete(r.accounts, ref.Scope)
	}
	for i, t := range r.waiting {
		if t.function.Scope == ref.Scope && r.tryEnter(t.function) == nil {
			r.waiting = slices.Delete(r.waiting, i, i+1)
			t.come <- true
			return
		}
	}
}

// changed has the calls of a function that wait looked at anew.
func (r *running) changed(ref catalog.Ref) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = slices.DeleteFunc(r.waiting, func(t *turn) bool {
		if t.function.Ref() != ref {
			return false
		}
		t.come <- false
		return true
	})
}

// retryAfter is what a throttled client is told to wait, in seconds.
const retryAfter = "1"

func throttled(reason types.ThrottleReason) error {
	message, kind, after := "Rate Exceeded.", "User", retryAfter
	return &types.TooManyRequestsException{Message: &message, Type: &kind, Reason: reason, RetryAfterSeconds: &after}
}
