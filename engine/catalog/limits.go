package catalog

import "time"

// Limits are the numbers and rules that AWS has changed since the guide of 2016,
// and the quotas that an account may have raised (spec usecases §15, api §E.11).
type Limits struct {
	MaxMemoryMB   int
	MemoryStepMB  int           // what MemorySize must be a multiple of
	MaxTimeout    time.Duration // of a function
	MaxEventBytes int64         // payload of an asynchronous invocation
	EventRetries  int           // most attempts after the first at an event that its function fails at
	Concurrency   int           // executions at the same time in an account and region
	CodeBytes     int64         // all packages of an account and region
	BillingStep   time.Duration // what billed durations are rounded up to
	BilledInit    bool          // the init of a cold call is billed too, unless concurrency was provisioned
	LatestPolicy  bool          // $LATEST may have a policy of its own (D1)
	GuideMetrics  bool          // functions have the four metrics of the guide and no others
	HandledErrors bool          // errors that functions report are Handled, whatever the runtime (D3)
}

// MaxUnzipped is how large the files of a function and its layers may be together, in
// bytes (spec api §A.4).
const MaxUnzipped = 262144000

// Unreservable is how much of an account's concurrency stays for functions that
// reserve none.
const Unreservable = 100

// Today are the limits of AWS now.
func Today() Limits {
	return Limits{
		MaxMemoryMB: 10240, MemoryStepMB: 1, MaxTimeout: 900 * time.Second, MaxEventBytes: 1 << 20, EventRetries: 2,
		Concurrency: 1000, CodeBytes: 75 << 30, BillingStep: time.Millisecond, BilledInit: true,
	}
}

// Guide2016 are the limits of the guide of 2016.
func Guide2016() Limits {
	return Limits{
		MaxMemoryMB: 1536, MemoryStepMB: 64, MaxTimeout: 300 * time.Second, MaxEventBytes: 128 << 10, EventRetries: 3,
		Concurrency: 100, CodeBytes: 75 << 30, BillingStep: 100 * time.Millisecond,
		LatestPolicy: true, HandledErrors: true, GuideMetrics: true,
	}
}
