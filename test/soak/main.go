//go:build linux

// Command soak runs an engine under mixed load, disturbs it if it is told to, and
// keeps a ledger of what must not be lost:
//
//   - every event answered with 202 is executed at least once, or ends at its failure destination,
//   - every change that was acknowledged is there, and nothing is half-made,
//   - every record of a stream and every message of a queue that was acknowledged is handled at least once, in the order of its
//     key, or is named by a message at the destination of failures, or is in the dead-letter queue; what is poison is there,
//   - every synchronous caller gets the function's answer or an error, in time,
//   - nothing is left behind, and memory does not grow.
//
// Without disturbances nothing but the answers that the events ask for is accepted.
//
//	main.go      options and the run
//	engine.go    the engine, and where it lives
//	chaos.go     disturbances
//	calls.go     callers, synchronous and not
//	changes.go   whoever changes functions meanwhile
//	ledger.go    the destination of events
//	sources.go   a stream and queues, and what feeds functions from them
//	producers.go who puts records, and splits and merges shards
//	courses.go   what has become of each record
//	failures.go  the destination of failures and the dead-letter queues
//	report.go    the tables
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"
)

// options of a run.
type options struct {
	binary   string
	driver   string
	duration time.Duration
	clients  int // of each kind
	chaos    []string
	seed     uint64
	markdown string
}

func main() {
	o := options{}
	chaos := ""
	flag.StringVar(&o.binary, "binary", "bin/terraform-provider-lambda", "the engine's binary")
	flag.StringVar(&o.driver, "driver", "process", "process or docker")
	flag.DurationVar(&o.duration, "duration", time.Minute, "how long the load runs")
	flag.IntVar(&o.clients, "clients", 4, "callers of each kind")
	flag.StringVar(&chaos, "chaos", strings.Join(disturbances, ","), "what to disturb, or none")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "of the disturbances; the same seed makes the same ones")
	flag.StringVar(&o.markdown, "markdown", "", "a file whose part below the marker gets the tables")
	flag.Parse()
	if chaos != "none" {
		o.chaos = strings.Split(chaos, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := soak(ctx, o, os.Stdout, log.Printf); err != nil {
		log.Printf("Error: %v", err)
		os.Exit(1)
	}
}

// soak is one run. The error lists what was violated.
func soak(ctx context.Context, o options, out io.Writer, logf func(string, ...any)) (err error) {
	logf("seed %d", o.seed)
	s, err := newSite(ctx, o, logf)
	if err != nil {
		return err
	}
	defer s.remove()
	sources := newSources(s)
	ledger, err := newLedger(sources.handled)
	if err != nil {
		return err
	}
	defer ledger.close()
	if err := s.start(ctx, ledger.url()); err != nil {
		return err
	}
	builds, err := s.deploy(ctx, ledger.arn())
	if err != nil {
		return err
	}
	if err := sources.deploy(ctx, builds[0]); err != nil {
		return err
	}
	r := &report{options: o, started: time.Now()}
	loading, end := context.WithTimeout(ctx, o.duration)
	defer end()
	var load sync.WaitGroup
	callers := newCallers(s, ledger, r)
	for range o.clients {
		load.Go(func() { callers.synchronous(loading) })
		load.Go(func() { callers.asynchronous(loading) })
	}
	writer := &writer{site: s, report: r, builds: builds}
	load.Go(func() { writer.run(loading) })
	reading, endReading := context.WithCancel(ctx)
	defer endReading()
	reader := sources.read(reading, r)
	sources.load(loading, &load, r)
	load.Go(func() { r.watch(loading, s) })
	if len(o.chaos) > 0 {
		load.Go(func() { s.disturb(loading, rand.New(rand.NewPCG(o.seed, 0)), r) }) //nolint:gosec // a test's dice
	}
	load.Wait()
	if err := s.calm(ctx); err != nil {
		return err
	}
	calm := time.Now()
	r.lost(ledger.settle(ctx, 2*time.Minute))
	logf("events have ended after %v", time.Since(calm).Round(time.Millisecond))
	r.lost(sources.settle(ctx, 2*time.Minute))
	logf("records have been handled after %v", time.Since(calm).Round(time.Millisecond))
	endReading()
	reader.Wait()
	writer.verify(ctx)
	r.leftRunning(s.busy(ctx))
	r.leftBehind(s.stop())
	r.duplicates, r.ended = ledger.counts()
	r.records = sources.counts()
	if err := r.write(out); err != nil {
		return err
	}
	if len(r.violations) > 0 {
		return fmt.Errorf("%d violations, with seed %d:\n%s", len(r.violations), o.seed, strings.Join(r.violations, "\n"))
	}
	return nil
}
