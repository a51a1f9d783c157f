package invoke_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// extended calls f and has its environment answer at once, with extensions that go on.
func (b *bench) extended(call <-chan outcome) (rest *sandbox.Rest, env *environment) {
	b.Helper()
	running := <-b.calls
	rest = sandbox.NewRest()
	running.answer <- answer{Result: sandbox.Result{Payload: []byte(running.env.name), Duration: time.Millisecond, Rest: rest}}
	if call != nil {
		if got := <-call; got.err != nil || string(got.Payload) != running.env.name {
			b.Errorf("%s, %v", got.Payload, got.err)
		}
	}
	return rest, running.env
}

// The caller has the answer before the extensions are through; the environment takes
// no other call before, and then the report counts all of it.
func TestExtensionsHoldTheEnvironment(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	rest, _ := b.extended(b.call(ref("f")))
	if log := strings.Join(b.log("f"), "\n"); strings.Contains(log, "REPORT") {
		t.Errorf("log %s", log)
	}
	second := b.call(ref("f"))
	running := <-b.calls
	if running.env.name != "env-2" {
		t.Errorf("%s serves", running.env.name)
	}
	running.succeed()
	<-second
	rest.End(sandbox.Result{Duration: 50 * time.Millisecond, MaxMemoryMB: 9})
	eventually(t, "the report", func() bool {
		return slices.ContainsFunc(b.log("f"), func(line string) bool {
			return strings.HasPrefix(line, "REPORT RequestId: request\tDuration: 50.00 ms\tBilled Duration: 55 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB\tInit Duration")
		})
	})
	eventually(t, "both environments are free", func() bool {
		first, second := b.call(ref("f")), b.call(ref("f"))
		one, two := <-b.calls, <-b.calls
		one.succeed()
		two.succeed()
		<-first
		<-second
		return len(b.alive()) == 2
	})
}

// Who asks for the log gets all of it.
func TestTailWaitsForExtensions(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	result := make(chan outcome, 1)
	go func() {
		response, err := b.Invoke(context.Background(), invoke.Request{Ref: ref("f"), RequestID: "request", Tail: true})
		result <- outcome{response, err}
	}()
	rest, env := b.extended(nil)
	env.spec.Log(sandbox.Line{Time: time.Now(), Text: "late"})
	rest.End(sandbox.Result{Duration: 50 * time.Millisecond})
	if got := <-result; !strings.Contains(string(got.Log), "late\nEND RequestId: request\nREPORT RequestId: request\tDuration: 50.00 ms") {
		t.Errorf("log %s", got.Log)
	}
}

// Extensions that come to a bad end after the answer end the environment.
func TestExtensionsFailAfterTheAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		result sandbox.Result
		lines  []string
	}{
		"overrun": {sandbox.Result{Outcome: sandbox.Timeout}, []string{"Task timed out after 3.00 seconds", "Duration: 3000.00 ms", "Status: timeout"}},
		"crash":   {sandbox.Result{Outcome: sandbox.ExtensionFailed, ErrorType: "Extension.Crash", Exit: "exit status 3"}, []string{"RequestId: request Error: exit status 3", "Error Type: Extension.Crash"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.function("f")
			rest, _ := b.extended(b.call(ref("f")))
			rest.End(tc.result)
			eventually(t, "it has gone", func() bool { return len(b.alive()) == 0 })
			log := strings.Join(b.log("f"), "\n")
			for _, line := range tc.lines {
				if !strings.Contains(log, line) {
					t.Errorf("log %s lacks %s", log, line)
				}
			}
		})
	}
}
