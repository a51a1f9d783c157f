// Command bench measures the engine against other ways to run Lambda functions on
// this machine, all in one run:
//
//	go run ./test/bench -binary bin/terraform-provider-lambda -cache DIR [-markdown docs/performance.md]
//	go run ./test/bench -functions 10000 -versions 5
//
// scripts/bench.sh installs the peers into the directory that -cache names. Nothing
// here fails a build: figures depend on the machine, ratios less so.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.binary, "binary", "bin/terraform-provider-lambda", "the engine's binary")
	flag.StringVar(&o.cache, "cache", "", "where scripts/bench.sh has installed the peers")
	flag.StringVar(&o.markdown, "markdown", "", "a file whose part below the marker gets the tables")
	flag.IntVar(&o.rounds, "rounds", 5, "how often everything is measured; medians are printed")
	flag.DurationVar(&o.budget, "budget", 7*time.Minute, "how long all rounds may take together; there is one at least")
	flag.DurationVar(&o.duration, "duration", time.Second, "how long each load runs in a round")
	flag.DurationVar(&o.warmUp, "warm-up", 400*time.Millisecond, "how long each load has run before")
	flag.IntVar(&o.functions, "functions", 1000, "functions of the engine that is restarted")
	flag.IntVar(&o.versions, "versions", 0, "measure nothing but how the engine grows with -functions of so many versions each")
	flag.IntVar(&o.fleet, "fleet", 0, "measure nothing but so many functions, called once a second each, and one that is called as fast as it can be")
	flag.BoolVar(&o.sources, "sources", false, "measure nothing but event source mappings")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		log.Fatal("Error: ", err)
	}
}

type options struct {
	binary    string
	cache     string
	markdown  string
	rounds    int
	budget    time.Duration
	duration  time.Duration
	warmUp    time.Duration
	functions int
	versions  int
	fleet     int
	sources   bool

	work   string // a directory for this run
	bare   string // path of test/bench/bare's program
	docker bool   // a daemon answers
}

func run(ctx context.Context, o options) error {
	load := loadAverage()
	work, err := os.MkdirTemp("", "lambda-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { //nolint:gosec // functions are other users
		return err
	}
	o.work = work
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	packages, missing, err := buildPackages(ctx, work)
	if err != nil {
		return fmt.Errorf("build the echo functions: %w", err)
	}
	if o.versions > 0 {
		return measureScale(ctx, o, work, packages)
	}
	if o.fleet > 0 {
		return measureFleet(ctx, o, o.fleet, packages[0])
	}
	if o.sources {
		return measureSources(ctx, o, packages)
	}
	if _, err := goProgram(ctx, work, "./test/bench/bare"); err != nil {
		return err
	}
	o.bare = filepath.Join(work, "bare.program")
	o.docker = exec.CommandContext(ctx, "docker", "version").Run() == nil
	b := &bench{options: o, packages: packages, missing: append(missing, absent...), gone: map[string]bool{}, load: load}
	return b.run(ctx)
}

func (b *bench) run(ctx context.Context) error {
	facts := machine(ctx)
	stop, err := b.engines(ctx)
	defer func() { stop() }()
	if err != nil {
		return err
	}
	for begin := time.Now(); len(b.busy) < b.options.rounds; {
		round := time.Now()
		if err := b.round(ctx); err != nil {
			return err
		}
		took := time.Since(round)
		log.Printf("round %d of %d took %s", len(b.busy), b.options.rounds, took.Round(time.Second))
		if time.Since(begin)+took > b.options.budget {
			break
		}
	}
	stop()
	stop = func() {}
	weights, err := idleEnvironments(ctx, b.options, b.packages[0], []int{0, 200, 800})
	if err != nil {
		b.missing = append(b.missing, absence{"idle environments", err.Error()})
	}
	again, err := restart(ctx, b.options, b.packages[1])
	if err != nil {
		b.missing = append(b.missing, absence{"restart", err.Error()})
	}
	return b.report(facts, weights, again)
}
