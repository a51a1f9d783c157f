package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Of a fleet: how many functions are created at the same time, and for how long all of
// them are called once a second.
const (
	fleetWorkers = 8
	fleetSeconds = 30
)

// measureFleet has n Go functions called once a second each, in the process driver,
// and before that one of them by 16 clients at once.
func measureFleet(ctx context.Context, o options, n int, p pkg) error {
	e, err := startEngine(ctx, launch{binary: o.binary, driver: "process", dir: filepath.Join(o.work, "fleet"), port: "4585"})
	if err != nil {
		return err
	}
	defer e.stop()
	var making sync.WaitGroup
	errs := make([]error, fleetWorkers)
	for w := range fleetWorkers {
		making.Go(func() {
			for i := w; i < n && errs[w] == nil; i += fleetWorkers {
				if errs[w] = create(ctx, e.client, fleetName(i), role, p); errs[w] == nil {
					_, errs[w] = callOnce(e.invocations(fleetName(i)))
				}
			}
		})
	}
	making.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if err := e.saturate(ctx, fleetName(0), 16, 5*time.Second); err != nil {
		return err
	}
	return e.callFleet(ctx, n)
}

func fleetName(i int) string { return fmt.Sprintf("fleet-%04d", i) }

// saturate tells how much of the CPUs is at work when clients call as fast as they can.
func (e *running) saturate(ctx context.Context, name string, clients int, duration time.Duration) error {
	l, err := newLoad(e.invocations(name), clients, false)
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.settle(ctx, time.Second); err != nil {
		return err
	}
	parts, err := e.takePart(ctx)
	if err != nil {
		return err
	}
	before, begin := parts.spent(), time.Now()
	f, err := l.run(ctx, duration)
	if err != nil {
		return err
	}
	elapsed, used := time.Since(begin), parts.spent().minus(before)
	call := used.by(f.calls)
	fmt.Printf("%d clients: %.0f calls a second, p50 %s, p99 %s; a call costs the engine %s, supervisors %s, the function %s, the generator %s: %.0f %% of %d CPUs\n",
		clients, f.perSecond, ms(f.p50), ms(f.p99), call.engine, call.supervisor, call.function, call.generator, used.share(elapsed), runtime.NumCPU())
	return nil
}

// share is how many percent of all CPUs were in use.
func (s spent) share(elapsed time.Duration) float64 {
	total := s.engine + s.supervisor + s.function + s.generator
	return 100 * total.Seconds() / elapsed.Seconds() / float64(runtime.NumCPU())
}

// callFleet calls every function once a second, evenly spread.
func (e *running) callFleet(ctx context.Context, n int) error {
	all := make([][]time.Duration, n)
	errs := make([]error, n)
	late := make([]time.Duration, n) // behind the time that a call was due
	parts, err := e.takePart(ctx)
	if err != nil {
		return err
	}
	before, begin := parts.spent(), time.Now()
	var calling sync.WaitGroup
	for i := range n {
		c, err := newClient(e.invocations(fleetName(i)))
		if err != nil {
			return err
		}
		calling.Go(func() {
			defer c.hangUp()
			for second := range fleetSeconds {
				due := begin.Add(time.Duration(second)*time.Second + time.Second*time.Duration(i)/time.Duration(n))
				time.Sleep(time.Until(due))
				start := time.Now()
				late[i] = max(late[i], start.Sub(due))
				if errs[i] = c.call(); errs[i] != nil || ctx.Err() != nil {
					return
				}
				all[i] = append(all[i], time.Since(start))
			}
		})
	}
	calling.Wait()
	elapsed, used := time.Since(begin), parts.spent().minus(before)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	times := slices.Concat(all...)
	slices.Sort(times)
	fmt.Printf("%d functions, once a second each: %d calls, p50 %s, p99 %s, longest %s; sent late by %s at most; %.0f %% of %d CPUs; the engine has %d MB\n",
		n, len(times), ms(times[len(times)/2]), ms(times[len(times)*99/100]), ms(times[len(times)-1]), ms(slices.Max(late)),
		used.share(elapsed), runtime.NumCPU(), e.residentMB())
	return nil
}
