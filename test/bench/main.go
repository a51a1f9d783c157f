// Command bench measures the engine against peers on this machine, in one run:
//
//	go run ./test/bench -binary bin/terraform-provider-lambda [-rie PATH] [-drivers docker,process]
//	go run ./test/bench -functions 10000 -versions 5
//
// It prints a table of latencies and ratios. Nothing here fails a build: figures
// depend on the machine, ratios less so.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.binary, "binary", "bin/terraform-provider-lambda", "the engine's binary")
	flag.StringVar(&o.rie, "rie", "", "AWS's runtime interface emulator, to compare with")
	drivers := flag.String("drivers", "docker,process", "drivers to measure")
	flag.DurationVar(&o.duration, "duration", 5*time.Second, "how long each load runs")
	flag.IntVar(&o.functions, "functions", 1000, "functions for the memory figure")
	flag.IntVar(&o.versions, "versions", 0, "measure nothing but how the engine grows with -functions of so many versions each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, strings.Split(*drivers, ",")); err != nil {
		log.Fatal("Error: ", err)
	}
}

type options struct {
	binary    string
	rie       string
	duration  time.Duration
	functions int
	versions  int
}

func run(ctx context.Context, o options, drivers []string) error {
	work, err := os.MkdirTemp("", "lambda-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	packages, err := buildPackages(ctx, work)
	if err != nil {
		return fmt.Errorf("build the echo functions: %w", err)
	}
	if o.versions > 0 {
		return measureScale(ctx, o, work, packages)
	}
	for _, driver := range drivers {
		if err := measureDriver(ctx, o, driver, filepath.Join(work, driver), packages); err != nil {
			return fmt.Errorf("driver %s: %w", driver, err)
		}
	}
	return nil
}

func measureDriver(ctx context.Context, o options, driver, dir string, packages []pkg) error {
	e, err := startEngine(ctx, o.binary, driver, dir)
	if err != nil {
		return err
	}
	defer e.stop()
	fmt.Printf("\n== driver %s ==\nengine ready after %s, %d MB resident when idle\n", driver, ms(e.ready), e.residentMB())
	var emulator *figures
	if driver == "docker" && o.rie != "" {
		f, err := measureRIE(ctx, o, packages[0])
		if err != nil {
			return fmt.Errorf("runtime interface emulator: %w", err)
		}
		emulator = f
	}
	if driver == "docker" {
		if err := printPlainRun(ctx); err != nil {
			return err
		}
	}
	fmt.Printf("%-22s %10s %10s %10s %10s %10s\n", "echo function", "cold", "p50 x1", "p99 x1", "req/s x1", "req/s x8")
	if emulator != nil {
		fmt.Printf("%-22s %10s %10s %10s %10.0f %10s\n", "go, AWS's emulator", "-", ms(emulator.p50), ms(emulator.p99), emulator.perSecond, "-")
	}
	for _, p := range packages {
		cold, err := e.coldStart(ctx, p)
		if err != nil {
			return err
		}
		url := e.url + "/2015-03-31/functions/" + p.name + "/invocations"
		one, err := load(ctx, url, 1, o.duration)
		if err != nil {
			return err
		}
		eight, err := load(ctx, url, 8, o.duration)
		if err != nil {
			return err
		}
		fmt.Printf("%-22s %10s %10s %10s %10.0f %10.0f\n", p.name, ms(cold), ms(one.p50), ms(one.p99), one.perSecond, eight.perSecond)
		if emulator != nil && p.name == "go" {
			fmt.Printf("%-22s %39.2f (p50, engine / emulator)\n", "  ratio", float64(one.p50)/float64(emulator.p50))
		}
	}
	if driver == "process" {
		return e.printMemory(ctx, o.functions, packages[1])
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }
