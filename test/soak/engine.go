//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/lambdaform/terraform-provider-lambda/test/dockerd"
)

const (
	image   = "lambdaform/provided:al2023"
	target  = "target" // the function that is called
	role    = "arn:aws:iam::000000000000:role/soak"
	diskMB  = 1024 // of the data directory, where it can be filled
	timeout = 2    // of the function, in seconds
)

// site is the engine under test, with its directory and its surroundings.
type site struct {
	options
	logf    func(string, ...any)
	root    string // has the data directory in data/
	url     string
	config  string
	client  *lambda.Client
	streams *kinesis.Client
	queues  *sqs.Client
	daemon  *dockerd.Daemon // nil: the machine's own

	mu      sync.Mutex
	process *exec.Cmd
	windows []window
}

// window is a time in which calls may fail.
type window struct{ begin, end time.Time }

func newSite(ctx context.Context, o options, logf func(string, ...any)) (s *site, err error) {
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return nil, err
	}
	s = &site{options: o, logf: logf, root: root}
	defer func() {
		if err != nil {
			s.remove()
		}
	}()
	if err := os.Mkdir(s.data(), 0o700); err != nil {
		return nil, err
	}
	if slices.Contains(o.chaos, "disk") {
		out, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", diskMB), "soak", s.data()).CombinedOutput() //nolint:gosec // a path of our own
		if err != nil {
			return nil, fmt.Errorf("a disk to fill needs root: %w: %s", err, out)
		}
	}
	if o.driver == "docker" && slices.Contains(o.chaos, "daemon") {
		if s.daemon, err = dockerd.New(ctx, filepath.Join(root, "d"), image); err != nil {
			return nil, err
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + ln.Addr().String()
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: &s.url, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	s.client, s.streams, s.queues = lambda.NewFromConfig(config), kinesis.NewFromConfig(config), sqs.NewFromConfig(config)
	return s, ln.Close()
}

func (s *site) data() string { return filepath.Join(s.root, "data") }

// start writes the configuration and starts the engine.
func (s *site) start(ctx context.Context, bus string) error {
	s.config = filepath.Join(s.root, "engine.hcl")
	// What waits a minute for its next attempt waits two seconds.
	config := fmt.Sprintf("clock_speed = 30\nservices {\n  events = %q\n}\nruntime \"provided.al2023\" {\n  image = %q\n}\n", bus, image)
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		return err
	}
	return s.launch(ctx)
}

func (s *site) launch(ctx context.Context) error {
	out, err := os.OpenFile(filepath.Join(s.root, "engine.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	//nolint:gosec // the binary under test
	process := exec.Command(s.binary, "engine", "start", "--driver", s.driver, "--data-dir", s.data(), "--listen", strings.TrimPrefix(s.url, "http://"), "--config", s.config)
	process.Stdout, process.Stderr = out, out
	process.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	if s.daemon != nil {
		process.Env = append(process.Env, "DOCKER_HOST="+s.daemon.Host())
	}
	if err := process.Start(); err != nil {
		return err
	}
	s.mu.Lock()
	s.process = process
	s.mu.Unlock()
	return s.healthy(ctx, 0)
}

// healthy waits until the engine has served for some time.
func (s *site) healthy(ctx context.Context, lasting time.Duration) error {
	var since time.Time
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if !s.serves() {
			since = time.Time{}
			if syscall.Kill(s.pid(), 0) != nil {
				break
			}
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) >= lasting {
			return nil
		}
	}
	return fmt.Errorf("the engine does not come up:\n%s", s.log())
}

func (s *site) serves() bool {
	response, err := http.Get(s.url + "/_engine/health")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// log is the end of the engine's log.
func (s *site) log() []byte {
	text, _ := os.ReadFile(filepath.Join(s.root, "engine.log"))
	return text[max(0, len(text)-4000):]
}

// end signals the engine and waits until it has gone.
func (s *site) end(signal os.Signal) {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	_ = process.Process.Signal(signal)
	_ = process.Wait()
}

func (s *site) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Process.Pid
}

// stop ends the engine as a user would, and returns what it has left.
func (s *site) stop() (left []string) {
	s.end(syscall.SIGTERM)
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, s.data()+"/") {
			left = append(left, "mount "+strings.TrimSpace(line))
		}
	}
	for _, pattern := range []string{"docker/engine-*", "process/engine-*"} {
		dirs, _ := filepath.Glob(filepath.Join(s.data(), pattern))
		left = append(left, dirs...)
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, path := range processes {
		if dir, err := os.Readlink(path); err == nil && strings.HasPrefix(dir, s.data()) {
			left = append(left, "process "+strings.Split(path, "/")[2])
		}
	}
	if s.driver == "docker" {
		out, _ := s.docker("ps", "-aq", "--filter", "label=lambdaform.engine").Output()
		for _, id := range strings.Fields(string(out)) {
			label, _ := s.docker("inspect", "--format", `{{index .Config.Labels "lambdaform.pid"}}`, id).Output()
			if strings.TrimSpace(string(label)) == strconv.Itoa(s.pid()) || s.daemon != nil {
				left = append(left, "container "+id)
			}
		}
	}
	return left
}

func (s *site) docker(args ...string) *exec.Cmd {
	c := exec.Command("docker", args...)
	if s.daemon != nil {
		c.Env = append(os.Environ(), "DOCKER_HOST="+s.daemon.Host())
	}
	return c
}

// remove removes everything that is this run's.
func (s *site) remove() {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process != nil && process.ProcessState == nil {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
	}
	if s.daemon != nil {
		s.daemon.Remove()
	}
	_ = exec.Command("umount", "-l", s.data()).Run() //nolint:gosec // a path of our own
	_ = os.RemoveAll(s.root)
}

// deploy creates the function and returns the packages that it can have.
func (s *site) deploy(ctx context.Context, destination string) (builds [][]byte, err error) {
	for _, name := range []string{"a", "b"} {
		program := filepath.Join(s.root, "bootstrap-"+name)
		//nolint:gosec // a program of this module
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.build="+name, "-o", program, "github.com/lambdaform/terraform-provider-lambda/test/soak/function")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the function: %w: %s", err, out)
		}
		content, err := os.ReadFile(program)
		if err != nil {
			return nil, err
		}
		archive, err := zipped(content)
		if err != nil {
			return nil, err
		}
		builds = append(builds, archive)
	}
	if err := s.create(ctx, target, builds[0]); err != nil {
		return nil, err
	}
	_, err = s.client.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String(target), MaximumRetryAttempts: aws.Int32(0),
		DestinationConfig: &types.DestinationConfig{
			OnSuccess: &types.OnSuccess{Destination: &destination}, OnFailure: &types.OnFailure{Destination: &destination},
		},
	})
	return builds, err
}

func (s *site) create(ctx context.Context, name string, archive []byte, edit ...func(*lambda.CreateFunctionInput)) error {
	in := &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: aws.String(role),
		Timeout: aws.Int32(timeout), Code: &types.FunctionCode{ZipFile: archive},
	}
	for _, e := range edit {
		e(in)
	}
	_, err := s.client.CreateFunction(ctx, in)
	return err
}

func zipped(program []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// calm waits until the engine answers calls as if nothing had happened.
func (s *site) calm(ctx context.Context) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		out, err := s.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(target), Payload: []byte(`{"id":"calm","op":"ok"}`)})
		if err == nil && out.FunctionError == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.New("the engine has not recovered")
}

// busy counts environments that still run something, once everything has ended.
func (s *site) busy(ctx context.Context) (n int) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		response, err := http.Get(s.url + "/_engine/status")
		if err != nil {
			continue
		}
		var status struct {
			Environments []struct{ Total, Idle int }
		}
		err = json.NewDecoder(response.Body).Decode(&status)
		_ = response.Body.Close()
		n = 0
		for _, e := range status.Environments {
			n += e.Total - e.Idle
		}
		if err == nil && n == 0 {
			return 0
		}
	}
	return n
}

// residentMB is the memory of the engine itself.
func (s *site) residentMB() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid()))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb / 1024
		}
	}
	return 0
}
