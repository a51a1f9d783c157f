package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// running is an engine in a process of its own.
type running struct {
	process *exec.Cmd
	driver  string
	url     string
	ready   time.Duration
	client  *lambda.Client
}

// launch says how to start an engine.
type launch struct {
	binary, driver, dir, port string
	config                    string // HCL
	environment               []string
}

func startEngine(ctx context.Context, l launch) (*running, error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(l.dir, "bench.hcl")
	if err := os.WriteFile(config, []byte(l.config), 0o600); err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(l.dir, "bench.log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	address := "127.0.0.1:" + l.port
	e := &running{url: "http://" + address, driver: l.driver}
	e.process = exec.CommandContext(ctx, l.binary, "engine", "start", "--driver", l.driver, "--data-dir", l.dir, "--listen", address, "--config", config)
	e.process.Stdout, e.process.Stderr = out, out
	e.process.Env = append(os.Environ(), l.environment...)
	begin := time.Now()
	if err := e.process.Start(); err != nil {
		return nil, err
	}
	for time.Since(begin) < 30*time.Second {
		response, err := http.Get(e.url + "/_engine/health")
		if err == nil {
			_ = response.Body.Close()
			e.ready = time.Since(begin)
			e.client = newClientOf(e.url)
			return e, nil
		}
		time.Sleep(time.Millisecond)
	}
	e.stop()
	return nil, fmt.Errorf("the engine does not answer at %s: %s", e.url, tail(out.Name()))
}

func (e *running) stop() {
	_ = e.process.Process.Signal(os.Interrupt)
	_ = e.process.Wait()
}

func (e *running) invocations(function string) string {
	return e.url + "/2015-03-31/functions/" + function + "/invocations"
}

// residentKB is the memory of the engine itself, without environments.
func (e *running) residentKB() int {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(e.process.Process.Pid) + "/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb
		}
	}
	return 0
}

func (e *running) residentMB() int { return e.residentKB() / 1024 }

// coldStart is the time of a call that needs a new environment, since the
// configuration has changed.
func (e *running) coldStart(ctx context.Context, name string) (time.Duration, error) {
	description := time.Now().String()
	if _, err := e.client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Description: &description}); err != nil {
		return 0, err
	}
	time.Sleep(time.Second) // for the environment of before to go
	for tries := 0; tries < 200 && !e.poolIsFull() && ctx.Err() == nil; tries++ {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // for the daemon to come to rest
	return callOnce(e.invocations(name))
}

// poolIsFull tells whether a container waits for each image in use.
func (e *running) poolIsFull() bool {
	response, err := http.Get(e.url + "/_engine/status")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var status struct {
		Pool []struct{ Ready, Coming int }
	}
	if json.NewDecoder(response.Body).Decode(&status) != nil {
		return false
	}
	for _, spares := range status.Pool {
		if spares.Ready == 0 || spares.Coming > 0 {
			return false
		}
	}
	return true
}
