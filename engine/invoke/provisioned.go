package invoke

import (
	"context"
	"slices"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// keep is the provisioned concurrency of a fleet: environments that are started
// ahead of any call, and never retired for being idle.
type keep struct {
	wanted  int
	booting int
	ready   int
	failed  bool // the last one did not come up
}

// provision brings the fleets of f to their provisioned concurrency.
func (i *Invoker) provision(f catalog.Function) {
	if len(f.Provisioned) == 0 && !i.provisions(f) {
		return
	}
	for _, ref := range f.Versions {
		wanted := f.ProvisionedOf(ref.Number)
		i.mu.Lock()
		fl := i.fleetOf(f, ref.Number)
		i.mu.Unlock()
		if fl == nil && wanted == 0 {
			continue
		}
		v, err := i.Catalog.Version(f, ref.Number)
		if err != nil { // deleted since
			continue
		}
		fl, err = i.fleet(f, v)
		if err != nil {
			return
		}
		fl.provision(wanted)
		fl.calls.Done()
	}
}

// provisions tells whether any fleet of f has provisioned concurrency.
func (i *Invoker) provisions(f catalog.Function) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, fl := range i.fleets {
		if fl.function.Ref() == f.Ref() && fl.provisioned().wanted > 0 {
			return true
		}
	}
	return false
}

// fleetOf finds the fleet of a version, or nil. The caller holds the lock.
func (i *Invoker) fleetOf(f catalog.Function, number string) *fleet {
	for _, fl := range i.fleets {
		if fl.function.Ref() == f.Ref() && *fl.version.Config.Version == number {
			return fl
		}
	}
	return nil
}

// Provisioned tells how many environments of a version's provisioned concurrency
// are ready, and whether the last one that was started failed to come up.
func (i *Invoker) Provisioned(f catalog.Function, number string) (ready int, failed bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	fl := i.fleetOf(f, number)
	if fl == nil {
		return 0, false
	}
	k := fl.provisioned()
	return k.ready, k.failed
}

func (f *fleet) provisioned() keep {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keep
}

// provision sets how many environments are kept ready, and starts what is missing.
func (f *fleet) provision(wanted int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keep.wanted, f.keep.failed = wanted, false
	f.idle = slices.DeleteFunc(f.idle, func(w *worker) bool {
		excess := w.kept && f.keep.ready > wanted
		if excess {
			f.drop(w)
		}
		return excess
	})
	f.refill()
}

// refill starts what is missing. The caller holds the lock.
func (f *fleet) refill() {
	for !f.retired && !f.keep.failed && f.keep.ready+f.keep.booting < f.keep.wanted {
		f.keep.booting++
		f.tasks.Go(f.bootKept)
	}
}

func (f *fleet) bootKept() {
	defer f.bootSlot()()
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.keep.booting-- }()
	if f.retired {
		return
	}
	f.mu.Unlock()
	w, err := startWorker(context.WithoutCancel(f.invoker.ctx), f, true)
	f.mu.Lock()
	switch {
	case err == nil:
		f.keep.ready++
		f.hand(w)
	case !f.retired: // else it was stopped on its way up
		f.keep.failed = true
		f.invoker.Log.Warn("provisioned environment did not boot", "function", f.function.Name, "version", *f.version.Config.Version, "err", err)
	}
}

// lose accounts for an environment that goes. The caller holds the lock.
func (f *fleet) lose(w *worker) {
	if !w.kept {
		return
	}
	w.kept = false
	f.keep.ready--
	f.refill()
}
