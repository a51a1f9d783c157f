package invoke

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// fleet is the environments of one version. Each handles one call at a time. The
// one that was used last is used next, so that the others grow old and go; those of
// the provisioned concurrency, which never go, are used before.
type fleet struct {
	invoker  *Invoker
	function catalog.Function
	version  catalog.Version
	calls    sync.WaitGroup // calls that may still acquire an environment
	tasks    sync.WaitGroup // boots and stops that are under way

	live  atomic.Int64  // environments that have booted and not been stopped
	boots chan struct{} // a token for each environment of this fleet that may boot at the same time

	mu      sync.Mutex
	idle    []*worker
	waiting []chan grant // calls without an environment, oldest first
	retired bool
	keep    keep
}

// maxBoots is how many environments may boot at the same time. Of one fleet it is
// fewer, so that a function with a slow init does not hold up the others.
const maxBoots = 64

func fleetBoots() int { return max(4, 2*runtime.NumCPU()) }

// grant is what a waiting call gets: an environment, or why there is none.
type grant struct {
	worker *worker
	err    error
}

func newFleet(i *Invoker, f catalog.Function, v catalog.Version) *fleet {
	return &fleet{invoker: i, function: f, version: v, boots: make(chan struct{}, fleetBoots())}
}

// acquire returns an environment for one call: a free one, or the first that comes
// free or has booted.
func (f *fleet) acquire(ctx context.Context) (*worker, error) {
	f.mu.Lock()
	if w := f.takeIdle(); w != nil {
		f.mu.Unlock()
		return w, nil
	}
	granted := make(chan grant, 1)
	f.waiting = append(f.waiting, granted)
	f.tasks.Go(func() { f.boot(context.WithoutCancel(ctx)) })
	f.mu.Unlock()

	g := <-granted
	return g.worker, g.err
}

func (f *fleet) takeIdle() *worker {
	for len(f.idle) > 0 {
		w := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if w.alive() {
			return w
		}
		f.drop(w)
	}
	return nil
}

// boot starts one environment for whichever call has waited longest by then.
func (f *fleet) boot(ctx context.Context) {
	defer f.bootSlot()()
	f.mu.Lock()
	if len(f.waiting) == 0 { // environments that came free have served everybody
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()

	w, err := startWorker(ctx, f, false)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.hand(w) // even if it died since: the call that gets it is told so
		return
	}
	if len(f.waiting) > 0 {
		f.waiting[0] <- grant{err: err}
		f.waiting = f.waiting[1:]
		return
	}
	f.invoker.Log.Warn("environment did not boot", "function", f.function.Name, "err", err)
}

// bootSlot waits until one more environment may boot, and returns what ends that.
func (f *fleet) bootSlot() (release func()) {
	f.boots <- struct{}{}
	f.invoker.boots <- struct{}{}
	return func() { <-f.invoker.boots; <-f.boots }
}

// release gives an environment back after a call.
func (f *fleet) release(w *worker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.spent || !w.alive() {
		f.drop(w)
		return
	}
	f.hand(w)
}

// hand gives an environment to the call that has waited longest, or keeps it for
// later ones. The caller holds the lock. Every waiting call has a boot of its own
// under way, so none waits for ever.
func (f *fleet) hand(w *worker) {
	switch {
	case len(f.waiting) > 0:
		f.waiting[0] <- grant{worker: w}
		f.waiting = f.waiting[1:]
	case f.retired || w.kept && f.keep.ready > f.keep.wanted:
		f.drop(w)
	default:
		w.idleSince = time.Now()
		at := len(f.idle)
		for !w.kept && at > 0 && f.idle[at-1].kept { // provisioned concurrency is used first
			at--
		}
		f.idle = slices.Insert(f.idle, at, w)
	}
}

// drop stops an environment in the background. The caller holds the lock.
func (f *fleet) drop(w *worker) {
	f.lose(w)
	f.tasks.Go(func() {
		if err := w.stop(); err != nil {
			f.invoker.Log.Warn("stop environment", "function", f.function.Name, slog.Any("err", err))
		}
	})
}

func (f *fleet) isRetired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.retired
}

// retire stops idle environments now and busy ones after their call.
func (f *fleet) retire() {
	f.mu.Lock()
	f.retired = true
	f.mu.Unlock()
	f.retireIdle(time.Now())
	f.invoker.tasks.Go(func() {
		f.calls.Wait()
		f.tasks.Wait()
		if dir := f.version.Dir; dir != "" {
			if err := os.RemoveAll(dir); err != nil {
				f.invoker.Log.Warn("remove reloaded code", "function", f.function.Name, "err", err)
			}
		}
	})
}

func (f *fleet) retireIdle(before time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.idle[:0]
	for _, w := range f.idle {
		if f.retired || w.idleSince.Before(before) && !w.kept || !w.alive() {
			f.drop(w)
			continue
		}
		kept = append(kept, w)
	}
	f.idle = kept
}
