package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// samples is how often each operation is timed at one size.
const samples = 101

// measureScale grows an engine to o.functions functions of o.versions versions each,
// and tells at several sizes what operations cost and how much memory it needs.
func measureScale(ctx context.Context, o options, work string, packages []pkg) error {
	dir := filepath.Join(work, "scale")
	e, err := startEngine(ctx, launch{binary: o.binary, driver: "process", dir: dir, port: "4599"})
	if err != nil {
		return err
	}
	defer func() { e.stop() }()
	fmt.Printf("%10s %10s %10s %10s %10s %12s %10s\n", "functions", "versions", "create", "get", "list page", "list all", "memory")
	made := 0
	for _, share := range []int{16, 8, 4, 2, 1} {
		if err := e.grow(ctx, made, o.functions/share, o.versions, packages); err != nil {
			return err
		}
		made = o.functions / share
		if err := e.printCosts(ctx, made, o.versions, packages[1]); err != nil {
			return err
		}
	}
	e.stop()
	if e, err = startEngine(ctx, launch{binary: o.binary, driver: "process", dir: dir, port: "4599"}); err != nil {
		return err
	}
	fmt.Printf("restarted: ready after %s, %d MB resident\n", ms(e.ready), e.residentMB())
	return nil
}

func scaleName(i int) string { return fmt.Sprintf("scale-%06d", i) }

// grow makes the functions from number from up to number to, with their versions.
func (e *running) grow(ctx context.Context, from, to, versions int, packages []pkg) error {
	var next atomic.Int64
	next.Store(int64(from))
	failed := make(chan error, 8)
	var workers sync.WaitGroup
	for range cap(failed) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < to; i = int(next.Add(1)) - 1 {
				if err := e.createWithVersions(ctx, scaleName(i), versions, packages); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(failed)
	return <-failed
}

func (e *running) createWithVersions(ctx context.Context, name string, versions int, packages []pkg) error {
	if err := create(ctx, e.client, name, role, packages[1]); err != nil {
		return err
	}
	for v := range versions {
		_, err := e.client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: packages[1+v%2].zip, Publish: true})
		if err != nil {
			return err
		}
	}
	return nil
}

// printCosts times operations on an engine with made functions.
func (e *running) printCosts(ctx context.Context, made, versions int, p pkg) error {
	extra := 0
	create, err := timed(func() error {
		extra++
		return create(ctx, e.client, fmt.Sprintf("extra-%06d-%03d", made, extra), role, p)
	})
	if err != nil {
		return err
	}
	for i := range extra {
		if _, err := e.client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String(fmt.Sprintf("extra-%06d-%03d", made, i+1))}); err != nil {
			return err
		}
	}
	get, err := timed(func() error {
		_, err := e.client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(scaleName(rand.IntN(made)))})
		return err
	})
	if err != nil {
		return err
	}
	var pages []time.Duration
	begin := time.Now()
	for list := lambda.NewListFunctionsPaginator(e.client, &lambda.ListFunctionsInput{}); list.HasMorePages(); {
		page := time.Now()
		if _, err := list.NextPage(ctx); err != nil {
			return err
		}
		pages = append(pages, time.Since(page))
	}
	all := time.Since(begin)
	fmt.Printf("%10d %10d %10s %10s %10s %12s %7d MB\n", made, made*versions, ms(create), ms(get), ms(median(pages)), ms(all), e.residentMB())
	return nil
}

func timed(do func() error) (time.Duration, error) {
	var times []time.Duration
	for range samples {
		begin := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(begin))
	}
	return median(times), nil
}
