package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// weight is what the engine's process weighs with so many idle environments.
type weight struct{ environments, kilobytes int }

// idleEnvironments keeps more and more environments of a Go function ready and
// weighs the engine. GOGC=10 keeps what the collector has not looked at yet out of the figure.
func idleEnvironments(ctx context.Context, o options, p pkg, sizes []int) ([]weight, error) {
	e, err := startEngine(ctx, launch{binary: o.binary, driver: "process", dir: filepath.Join(o.work, "idle"), port: "4587", environment: []string{"GOGC=10"}})
	if err != nil {
		return nil, err
	}
	defer e.stop()
	if err := create(ctx, e.client, "idle", role, p); err != nil {
		return nil, err
	}
	version, err := e.client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String("idle")})
	if err != nil {
		return nil, err
	}
	var weights []weight
	for _, n := range sizes {
		if n > 0 {
			if err := e.provision(ctx, *version.Version, n); err != nil {
				return weights, err
			}
		}
		weights = append(weights, weight{n, e.settledKB()})
	}
	return weights, nil
}

func (e *running) provision(ctx context.Context, version string, n int) error {
	_, err := e.client.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("idle"), Qualifier: &version, ProvisionedConcurrentExecutions: aws.Int32(int32(n)), //nolint:gosec // at most 900
	})
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		state, err := e.client.GetProvisionedConcurrencyConfig(ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("idle"), Qualifier: &version})
		if err != nil {
			return err
		}
		switch state.Status {
		case types.ProvisionedConcurrencyStatusEnumReady:
			return nil
		case types.ProvisionedConcurrencyStatusEnumFailed:
			return fmt.Errorf("provisioned concurrency of %d: %s", n, aws.ToString(state.StatusReason))
		}
	}
	return errors.New("the environments do not become ready")
}

// settledKB is the lowest weight within some seconds: the collector's own pace is seconds.
func (e *running) settledKB() int {
	lowest := e.residentKB()
	for range 16 {
		time.Sleep(250 * time.Millisecond)
		lowest = min(lowest, e.residentKB())
	}
	return lowest
}

// perEnvironment is the slope between the smallest and the largest size.
func perEnvironment(weights []weight) float64 {
	if len(weights) < 2 {
		return 0
	}
	first, last := weights[0], weights[len(weights)-1]
	return float64(last.kilobytes-first.kilobytes) / float64(last.environments-first.environments)
}

// restarted is an engine that comes up with what an earlier one has left.
type restarted struct {
	functions int
	empty     time.Duration // without anything
	full      time.Duration
	megabytes int
}

func restart(ctx context.Context, o options, p pkg) (*restarted, error) {
	l := launch{binary: o.binary, driver: "process", dir: filepath.Join(o.work, "restart"), port: "4586"}
	e, err := startEngine(ctx, l)
	if err != nil {
		return nil, err
	}
	r := &restarted{functions: o.functions, empty: e.ready}
	for i := range o.functions {
		if err := create(ctx, e.client, fmt.Sprintf("many-%04d", i), role, p); err != nil {
			e.stop()
			return nil, err
		}
	}
	var full []time.Duration
	for range 5 {
		e.stop()
		if e, err = startEngine(ctx, l); err != nil {
			return nil, err
		}
		full = append(full, e.ready)
	}
	defer e.stop()
	r.full, r.megabytes = median(full), e.residentMB()
	return r, nil
}
