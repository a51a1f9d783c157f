package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// A call that waits for a boot takes an environment that comes free sooner.
func TestFirstFreeEnvironmentWins(t *testing.T) {
	b := newBench(t, &driver{boots: make(chan *boot), calls: make(chan *invocation)})
	b.function("f")
	one := b.call(ref("f"))
	(<-b.boots).verdict <- nil
	running := <-b.calls

	two := b.call(ref("f"))
	slow := <-b.boots
	running.succeed()
	next := <-b.calls // while the second environment still boots
	if next.env.name != "env-1" {
		t.Errorf("the waiting call got %s", next.env.name)
	}
	next.succeed()
	slow.verdict <- nil
	for _, call := range []<-chan outcome{one, two} {
		if got := <-call; got.err != nil || string(got.Payload) != "env-1" {
			t.Errorf("%s, %v", got.Payload, got.err)
		}
	}
	eventually(t, "the second environment has booted too", func() bool { return len(b.alive()) == 2 })
}

// The environment that was used last is used next, so that the others grow old.
func TestLastInFirstOut(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	one, two := b.call(ref("f")), b.call(ref("f"))
	first, second := <-b.calls, <-b.calls
	first.succeed()
	<-either(one, two)
	second.succeed()
	<-either(one, two)
	for range 5 {
		call := b.call(ref("f"))
		got := <-b.calls
		if got.env != second.env {
			t.Errorf("%s was used, %s was the last", got.env.name, second.env.name)
		}
		got.succeed()
		<-call
	}
}

func either(one, two <-chan outcome) <-chan outcome {
	out := make(chan outcome, 1)
	select {
	case o := <-one:
		out <- o
	case o := <-two:
		out <- o
	}
	return out
}

// However many callers there are, an environment has one call at a time, and there
// are no more environments than callers. The driver complains otherwise.
func TestOneCallAtATime(t *testing.T) {
	const callers = 20
	b := newBench(t, &driver{})
	b.function("f")
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range 50 {
				if got := <-b.call(ref("f")); got.err != nil {
					t.Error(got.err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(b.alive()); n > callers {
		t.Errorf("%d environments for %d callers", n, callers)
	}
}

func TestThrottling(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)}, func(o *invoke.Options) { o.Catalog.Limits.Concurrency = 2 })
	b.function("f")
	b.function("g")
	b.change(func(f *catalog.Function) { f.Reserved = aws.Int32(1) })
	refused := func(name string, reason types.ThrottleReason) {
		t.Helper()
		got := <-b.call(ref(name))
		var throttled *types.TooManyRequestsException
		if !errors.As(got.err, &throttled) || throttled.Reason != reason || throttled.RetryAfterSeconds == nil {
			t.Errorf("%s: %v", name, got.err)
		}
	}
	one := b.call(ref("f"))
	of := <-b.calls
	refused("f", types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded)
	two := b.call(ref("g"))
	og := <-b.calls
	refused("g", types.ThrottleReasonConcurrentInvocationLimitExceeded)
	of.succeed()
	<-one
	three := b.call(ref("g"))
	again := <-b.calls
	again.succeed()
	og.succeed()
	<-two
	<-three
	b.change(func(f *catalog.Function) { f.Reserved = aws.Int32(0) })
	refused("f", types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded)
}

// A booting environment that nobody waits for any more is no call, and throttles nobody.
func TestBootIsNoCall(t *testing.T) {
	b := newBench(t, &driver{boots: make(chan *boot), calls: make(chan *invocation)})
	b.function("f")
	b.change(func(f *catalog.Function) { f.Reserved = aws.Int32(2) })
	one := b.call(ref("f"))
	(<-b.boots).verdict <- nil
	running := <-b.calls
	two := b.call(ref("f"))
	slow := <-b.boots
	running.succeed()
	<-one
	second := <-b.calls // on the first environment
	three := b.call(ref("f"))
	third := <-b.boots
	third.verdict <- nil
	(<-b.calls).succeed()
	second.succeed()
	for _, call := range []<-chan outcome{two, three} {
		if got := <-call; got.err != nil {
			t.Error(got.err)
		}
	}
	slow.verdict <- nil
}

func TestDeadEnvironments(t *testing.T) {
	t.Run("while idle", func(t *testing.T) {
		b := newBench(t, &driver{})
		b.function("f")
		b.served(ref("f"))
		b.env(1).die()
		if got := b.served(ref("f")); got != "env-2" {
			t.Errorf("%s served", got)
		}
		eventually(t, "the dead environment has been cleared away", func() bool { return b.env(1).stopped.Load() })
	})
	t.Run("before the event", func(t *testing.T) {
		b := newBench(t, &driver{calls: make(chan *invocation)})
		b.function("f")
		call := b.call(ref("f"))
		gone := <-b.calls
		gone.answer <- answer{err: sandbox.ErrGone}
		(<-b.calls).succeed()
		if got := <-call; got.err != nil || string(got.Payload) != "env-2" {
			t.Errorf("%s, %v", got.Payload, got.err)
		}
	})
	t.Run("over and over", func(t *testing.T) {
		b := newBench(t, &driver{calls: make(chan *invocation)})
		b.function("f")
		call := b.call(ref("f"))
		for range 3 {
			(<-b.calls).answer <- answer{err: sandbox.ErrGone}
		}
		var service *types.ServiceException
		if got := <-call; !errors.As(got.err, &service) {
			t.Errorf("%v", got.err)
		}
		eventually(t, "all have been cleared away", func() bool { return len(b.alive()) == 0 })
	})
	for name, end := range map[string]sandbox.Outcome{"timeout": sandbox.Timeout, "exit": sandbox.Exited, "memory": sandbox.OutOfMemory, "size": sandbox.ResponseTooLarge} {
		t.Run("by "+name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.function("f")
			call := b.call(ref("f"))
			(<-b.calls).end(end) // and the environment has not noticed yet
			if got := <-call; got.err != nil || got.FunctionError != "Unhandled" {
				t.Errorf("%+v", got)
			}
			next := b.call(ref("f"))
			if got := <-b.calls; got.env.name != "env-2" {
				t.Errorf("%s was used again", got.env.name)
			} else {
				got.succeed()
			}
			<-next
			eventually(t, "the dead environment has been cleared away", func() bool { return slices.Equal(b.alive(), []string{"env-2"}) })
		})
	}
}

// An error that the function reports itself leaves the environment as it is.
func TestFunctionErrorKeepsEnvironment(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	call := b.call(ref("f"))
	(<-b.calls).end(sandbox.FunctionError)
	if got := <-call; got.FunctionError != "Unhandled" {
		t.Errorf("%+v", got)
	}
	next := b.call(ref("f"))
	got := <-b.calls
	if got.env.name != "env-1" {
		t.Errorf("%s", got.env.name)
	}
	got.succeed()
	<-next
}

// After a change, calls that run finish where they are; new ones get new environments.
func TestChangeRetiresEnvironments(t *testing.T) {
	for name, change := range map[string]func(b *bench){
		"code or configuration": func(b *bench) { b.change(func(f *catalog.Function) { f.Changed(time.Now()) }) },
		"deleted and made anew": func(b *bench) {
			if err := b.catalog.Delete(b.Context(), ref("f")); err != nil {
				b.Fatal(err)
			}
			b.function("f")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.function("f")
			idle, busy := b.call(ref("f")), b.call(ref("f"))
			first, old := <-b.calls, <-b.calls
			first.succeed()
			<-either(idle, busy)

			change(b)
			eventually(t, "the idle environment has been stopped", func() bool { return first.env.stopped.Load() })
			call := b.call(ref("f"))
			fresh := <-b.calls
			if fresh.env == old.env || fresh.env == first.env {
				t.Errorf("the new call got the old %s", fresh.env.name)
			}
			fresh.succeed()
			<-call
			if old.env.stopped.Load() {
				t.Error("the running call lost its environment")
			}
			old.succeed()
			if got := <-either(idle, busy); got.err != nil || string(got.Payload) != old.env.name {
				t.Errorf("the running call answers %s, %v", got.Payload, got.err)
			}
			eventually(t, "only the new environment is left", func() bool { return slices.Equal(b.alive(), []string{fresh.env.name}) })
		})
	}
}

// A call that has looked up its version before a change runs that version, and
// leaves no environment of it.
func TestChangeBetweenLookupAndCall(t *testing.T) {
	b := newBench(t, &driver{})
	b.function("f")
	f, v, err := b.catalog.Resolve(ref("f"))
	if err != nil {
		t.Fatal(err)
	}
	b.served(ref("f"))
	b.change(func(f *catalog.Function) { f.Changed(time.Now()) })
	eventually(t, "the change has been seen", func() bool { return len(b.alive()) == 0 })
	if got, err := invoke.Run(b.Invoker, t.Context(), f, v, invoke.Request{Ref: ref("f"), RequestID: "late"}); err != nil || string(got.Payload) != "env-2" {
		t.Errorf("%s, %v", got.Payload, err)
	}
	if got := b.served(ref("f")); got != "env-3" {
		t.Errorf("%s served", got)
	}
	eventually(t, "only the new environment is left", func() bool { return slices.Equal(b.alive(), []string{"env-3"}) })
}

// A published version keeps its environments when $LATEST changes.
func TestVersionsHaveEnvironmentsOfTheirOwn(t *testing.T) {
	b := newBench(t, &driver{})
	b.function("f")
	b.change(func(f *catalog.Function) {
		if _, _, err := b.catalog.Publish(b.Context(), f, nil); err != nil {
			t.Fatal(err)
		}
	})
	version := ref("f").With("1")
	one := b.served(version)
	if latest := b.served(ref("f")); latest == one {
		t.Errorf("$LATEST and version 1 share %s", one)
	}
	b.change(func(f *catalog.Function) { f.Changed(time.Now()) })
	eventually(t, "$LATEST has lost its environment", func() bool { return slices.Equal(b.alive(), []string{one}) })
	if got := b.served(version); got != one {
		t.Errorf("version 1 is now served by %s", got)
	}
	if err := b.catalog.DeleteVersion(t.Context(), ref("f"), "1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deleted version has lost its environment", func() bool { return len(b.alive()) == 0 })
}

// A call whose environment does not come up starts another within its own time,
// and fails with that one.
func TestBootFailures(t *testing.T) {
	posted := []byte(`{"errorType":"ImportError","errorMessage":"no module"}`)
	const start, end = `START RequestId: request Version: \$LATEST`, `END RequestId: request`
	const report = `REPORT RequestId: request\tDuration: 20.00 ms\tBilled Duration: 20 ms\tMemory Size: 128 MB\tMax Memory Used: 0 MB\tStatus: `
	for name, c := range map[string]struct {
		boot sandbox.InitError
		want string
		log  []string // between START and END
		kind string   // of the status
	}{
		"posted":  {sandbox.InitError{Payload: posted, ErrorType: "ImportError"}, string(posted), nil, "error\tError Type: ImportError"},
		"exit":    {sandbox.InitError{ErrorType: "Runtime.ExitError", Exit: "exit status 1"}, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: request Error: Runtime exited with error: exit status 1"}`, []string{"RequestId: request Error: Runtime exited with error: exit status 1", "Runtime.ExitError"}, "error\tError Type: Runtime.ExitError"},
		"timeout": {sandbox.InitError{TimedOut: true}, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: request Error: Task timed out after 3.00 seconds"}`, []string{".*Z request Task timed out after 3.00 seconds"}, "timeout"},
		"entry":   {sandbox.InitError{ErrorType: "Runtime.InvalidEntrypoint", Problem: "fork/exec /var/task/bootstrap: permission denied"}, `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: request Error: fork/exec /var/task/bootstrap: permission denied"}`, []string{"RequestId: request Error: fork/exec /var/task/bootstrap: permission denied", "Runtime.InvalidEntrypoint"}, "error\tError Type: Runtime.InvalidEntrypoint"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{boots: make(chan *boot)})
			b.function("f")
			call := b.call(ref("f"))
			c.boot.Duration = 20 * time.Millisecond
			for _, budget := range []time.Duration{10 * time.Second, 3 * time.Second} {
				boot := <-b.boots
				if boot.spec.InitTimeout != budget {
					t.Errorf("%v for the init, want %v", boot.spec.InitTimeout, budget)
				}
				boot.spec.Log(sandbox.Line{Time: time.Now(), Text: "loading"})
				boot.verdict <- fmt.Errorf("start: %w", &c.boot)
			}
			got := <-call
			if got.err != nil || got.FunctionError != "Unhandled" || string(got.Payload) != c.want {
				t.Errorf("%s, %v", got.Payload, got.err)
			}
			want := []string{"loading", "INIT_REPORT Init Duration: 20.00 ms\tPhase: init\tStatus: " + c.kind, "loading", "INIT_REPORT Init Duration: 20.00 ms\tPhase: invoke\tStatus: " + c.kind, start}
			want = append(append(want, c.log...), end, report+c.kind)
			match(t, strings.Split(strings.TrimSpace(string(got.Log)), "\n"), want)
			match(t, b.log("f"), want)
			call = b.call(ref("f")) // which tries again
			(<-b.boots).verdict <- nil
			if got := <-call; got.err != nil || string(got.Payload) != "env-1" {
				t.Errorf("%s, %v", got.Payload, got.err)
			}
		})
	}
}

// An init that fails once is repeated within the call, whose time it counts against.
func TestInitAgain(t *testing.T) {
	b := newBench(t, &driver{boots: make(chan *boot), calls: make(chan *invocation)})
	b.function("f")
	call := b.call(ref("f"))
	(<-b.boots).verdict <- &sandbox.InitError{ErrorType: "Runtime.ExitError", Exit: "exit status 1"}
	second := <-b.boots
	began := time.Now()
	for time.Since(began) < 20*time.Millisecond { // an init that takes its time
	}
	second.verdict <- nil
	running := <-b.calls
	if left := time.Until(running.Deadline); left > 3*time.Second-20*time.Millisecond {
		t.Errorf("%v left of 3 s", left)
	}
	running.succeed()
	got := <-call
	lines := strings.Split(strings.TrimSpace(string(got.Log)), "\n")
	report := lines[len(lines)-1]
	var ms float64
	if _, err := fmt.Sscanf(report, "REPORT RequestId: request\tDuration: %f ms", &ms); err != nil || ms < 20 || strings.Contains(report, "Init Duration") {
		t.Errorf("%s (%v)", report, err)
	}
	match(t, lines[:2], []string{"INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError", "START RequestId: .*"})
	next := b.call(ref("f")) // is warm
	(<-b.calls).succeed()
	if got := <-next; string(got.Payload) != "env-1" {
		t.Errorf("%s", got.Payload)
	}
}

// A driver that fails is nothing that a second try would mend.
func TestDriverFailures(t *testing.T) {
	b := newBench(t, &driver{boots: make(chan *boot)})
	b.function("f")
	call := b.call(ref("f"))
	(<-b.boots).verdict <- errors.New("no space left on device")
	var service *types.ServiceException
	if got := <-call; !errors.As(got.err, &service) || *service.Message != "no space left on device" {
		t.Errorf("%v", got.err)
	}
	call = b.call(ref("f"))
	(<-b.boots).verdict <- nil
	if got := <-call; got.err != nil {
		t.Error(got.err)
	}
}

// Functions with a slow init do not keep others from booting.
func TestSlowBootsHoldUpNobodyElse(t *testing.T) {
	closed := make(chan struct{})
	t.Cleanup(func() { close(closed) }) // after the invoker, which waits for boots that nobody needs any more
	b := newBench(t, &driver{boots: make(chan *boot)})
	b.function("slow")
	b.function("f")
	var pending []*boot
	var calls []<-chan outcome
	for range 4 * runtime.NumCPU() {
		calls = append(calls, b.call(ref("slow")))
	}
	for range max(4, 2*runtime.NumCPU()) { // as many as may boot at the same time
		pending = append(pending, <-b.boots)
	}
	call := b.call(ref("f"))
	other := <-b.boots
	if other.spec.Name != "f:$LATEST" {
		t.Fatalf("%s boots", other.spec.Name)
	}
	other.verdict <- nil
	if got := <-call; got.err != nil {
		t.Error(got.err)
	}
	for _, p := range pending {
		p.verdict <- nil
	}
	for range calls {
		go func() { // those that have not been needed are not started
			select {
			case p := <-b.boots:
				p.verdict <- nil
			case <-closed:
			}
		}()
	}
	for _, call := range calls {
		if got := <-call; got.err != nil {
			t.Error(got.err)
		}
	}
}

// What runs on demand takes over only while the provisioned concurrency is busy.
func TestProvisionedConcurrencyIsUsedFirst(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	b.change(func(f *catalog.Function) {
		if _, _, err := b.catalog.Publish(t.Context(), f, nil); err != nil {
			t.Error(err)
		}
		f.Provisioned = map[string]catalog.Provisioned{"1": {Requested: 1}}
	})
	f, err := b.catalog.Function(ref("f"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the provisioned environment is ready", func() bool { ready, _ := b.Provisioned(f, "1"); return ready == 1 })
	call := func() (*invocation, <-chan outcome) {
		answer := b.call(ref("f").With("1"))
		return <-b.calls, answer
	}
	provisioned, first := call()
	onDemand, second := call()
	provisioned.succeed()
	<-first
	onDemand.succeed()
	<-second
	next, third := call()
	if next.env != provisioned.env || next.env.spec.Env["AWS_LAMBDA_INITIALIZATION_TYPE"] != "provisioned-concurrency" || next.env.spec.InitTimeout != 130*time.Second {
		t.Errorf("%s is used before %s", next.env.name, provisioned.env.name)
	}
	next.succeed()
	<-third
}

func TestIdleEnvironmentsAreStopped(t *testing.T) {
	b := newBench(t, &driver{}, func(o *invoke.Options) { o.IdleTimeout = 20 * time.Millisecond })
	b.function("f")
	b.served(ref("f"))
	eventually(t, "the idle environment has been stopped", func() bool { return len(b.alive()) == 0 })
	if got := b.served(ref("f")); got != "env-2" {
		t.Errorf("%s served", got)
	}
}

// A call goes on when its caller goes away.
func TestCallerGoesAway(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.Invoke(ctx, invoke.Request{Ref: ref("f"), RequestID: "request"})
		done <- err
	}()
	running := <-b.calls
	cancel()
	running.succeed()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Close waits for the calls that run, and leaves no environment and no goroutine.
func TestClose(t *testing.T) {
	d := &driver{boots: make(chan *boot), calls: make(chan *invocation), easy: "easy:$LATEST"}
	b := newBench(t, d)
	b.function("f")
	b.function("easy")
	before := runtime.NumGoroutine()
	inv := invoke.New(b.Options)

	request := invoke.Request{Ref: ref("f"), RequestID: "request"}
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := inv.Invoke(context.Background(), request)
			results <- err
		}()
	}
	(<-d.boots).verdict <- nil
	running := <-d.calls
	booting := <-d.boots
	closed := make(chan struct{})
	go func() { inv.Close(); close(closed) }()
	eventually(t, "new calls are refused", func() bool {
		_, err := inv.Invoke(t.Context(), invoke.Request{Ref: ref("easy"), RequestID: "request"})
		return err != nil
	})
	booting.verdict <- nil
	late := <-d.calls
	select {
	case <-closed:
		t.Error("Close has returned during two calls")
	case <-time.After(50 * time.Millisecond): // it would have long before
	}
	running.succeed()
	late.succeed()
	<-closed
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if left := d.alive(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}
