package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// running is an engine in a process of its own.
type running struct {
	process *exec.Cmd
	url     string
	ready   time.Duration
	client  *lambda.Client
}

func startEngine(ctx context.Context, binary, driver, dir string) (*running, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	const address = "127.0.0.1:4599"
	e := &running{url: "http://" + address}
	begin := time.Now()
	e.process = exec.CommandContext(ctx, binary, "engine", "start", "--driver", driver, "--data-dir", dir, "--listen", address)
	if err := e.process.Start(); err != nil {
		return nil, err
	}
	for time.Since(begin) < 30*time.Second {
		response, err := http.Get(e.url + "/_engine/health")
		if err == nil {
			_ = response.Body.Close()
			e.ready = time.Since(begin)
			e.client = lambda.New(lambda.Options{
				Region: "us-east-1", BaseEndpoint: &e.url,
				Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
			})
			return e, nil
		}
		time.Sleep(time.Millisecond)
	}
	e.stop()
	return nil, fmt.Errorf("the engine does not answer at %s", e.url)
}

func (e *running) stop() {
	_ = e.process.Process.Signal(os.Interrupt)
	_ = e.process.Wait()
}

// residentMB is the memory of the engine itself, without environments.
func (e *running) residentMB() int {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(e.process.Process.Pid) + "/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb / 1024
		}
	}
	return 0
}

func (e *running) create(ctx context.Context, name string, p pkg) error {
	_, err := e.client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.Runtime(p.runtime), Handler: &p.handler,
		Role: aws.String("arn:aws:iam::000000000000:role/bench"), MemorySize: aws.Int32(1769),
		Code: &types.FunctionCode{ZipFile: p.zip},
	})
	return err
}

// coldStart is the time of a call that needs a new environment: the median of
// several, each after a change of the configuration.
func (e *running) coldStart(ctx context.Context, p pkg) (time.Duration, error) {
	if err := e.create(ctx, p.name, p); err != nil {
		return 0, err
	}
	url := e.url + "/2015-03-31/functions/" + p.name + "/invocations"
	var total []time.Duration
	for i := range 7 {
		description := strconv.Itoa(i)
		if _, err := e.client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &p.name, Description: &description}); err != nil {
			return 0, err
		}
		time.Sleep(time.Second) // so that the pool is full again
		begin := time.Now()
		if err := call(ctx, http.DefaultClient, url); err != nil {
			return 0, err
		}
		total = append(total, time.Since(begin))
	}
	return median(total), nil
}

func median(d []time.Duration) time.Duration {
	for i := range d {
		for j := i; j > 0 && d[j] < d[j-1]; j-- {
			d[j], d[j-1] = d[j-1], d[j]
		}
	}
	return d[len(d)/2]
}

// printMemory creates many functions and tells what the engine needs for them.
func (e *running) printMemory(ctx context.Context, functions int, p pkg) error {
	begin := time.Now()
	for i := range functions {
		if err := e.create(ctx, fmt.Sprintf("many-%04d", i), p); err != nil {
			return err
		}
	}
	fmt.Printf("%d functions created in %s; %d MB resident then\n", functions, time.Since(begin).Round(time.Millisecond), e.residentMB())
	return nil
}

// printPlainRun measures what a container costs without a pool.
func printPlainRun(ctx context.Context) error {
	images, err := exec.CommandContext(ctx, "docker", "images", "--format", "json", "lambdaform/python").Output()
	if err != nil || len(images) == 0 {
		return err
	}
	var image struct{ Repository, Tag string }
	if err := json.Unmarshal([]byte(strings.SplitN(string(images), "\n", 2)[0]), &image); err != nil {
		return err
	}
	var times []time.Duration
	for range 5 {
		begin := time.Now()
		if err := exec.CommandContext(ctx, "docker", "run", "--rm", "--entrypoint", "/bin/true", image.Repository+":"+image.Tag).Run(); err != nil {
			return fmt.Errorf("docker run: %w", err)
		}
		times = append(times, time.Since(begin))
	}
	fmt.Printf("plain docker run --rm of the Python image: %s\n", ms(median(times)))
	return nil
}
