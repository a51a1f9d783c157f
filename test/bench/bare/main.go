// Command bare runs a function in a container without any engine: it starts the
// runtime and serves it just as much of the Runtime API as one call needs.
//
//	bare TIMES COMMAND...     prints, for each of so many starts, the microseconds to the first response
//	bare once HANDLER EVENT   prints the response: the contract of the images that moto runs
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

const event = `{"hello":"world"}`

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "Usage: bare TIMES COMMAND... | bare once HANDLER EVENT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(times string, args []string) error {
	if times == "once" {
		if len(args) != 2 {
			return fmt.Errorf("once takes a handler and an event, not %d arguments", len(args))
		}
		response, _, err := start([]string{"/var/runtime/bootstrap"}, args[0], args[1])
		if err == nil {
			fmt.Println(strings.ReplaceAll(response, "\n", " "))
		}
		return err
	}
	n, err := strconv.Atoi(times)
	if err != nil {
		return fmt.Errorf("TIMES: %w", err)
	}
	for range n {
		response, took, err := start(args, os.Getenv("_HANDLER"), event)
		if err != nil {
			return err
		}
		if strings.ReplaceAll(response, " ", "") != event {
			return fmt.Errorf("the function answers %q", response)
		}
		fmt.Println(took.Microseconds())
	}
	return nil
}

// start boots a runtime, gives it one event, and ends it after its response.
func start(command []string, handler, event string) (response string, took time.Duration, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", 0, err
	}
	responses := make(chan string, 2)
	done := make(chan struct{})
	server := &http.Server{Handler: api(event, responses, done), ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // until it is closed
	defer func() {
		close(done)
		_ = server.Close()
		serving.Wait()
	}()

	runtime := exec.Command(command[0], command[1:]...)
	runtime.Env = append(os.Environ(),
		"AWS_LAMBDA_RUNTIME_API="+listener.Addr().String(), "_HANDLER="+handler, "LAMBDA_TASK_ROOT=/var/task", "LAMBDA_RUNTIME_DIR=/var/runtime",
		"AWS_LAMBDA_FUNCTION_NAME=bare", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/bare", "AWS_LAMBDA_LOG_STREAM_NAME=bare",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test")
	runtime.Dir = "/var/task"
	runtime.Stderr = os.Stderr
	begin := time.Now()
	if err := runtime.Start(); err != nil {
		return "", 0, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = runtime.Wait() // that it was killed
	}()
	select {
	case response = <-responses:
		took = time.Since(begin)
	case <-ended:
		return "", 0, fmt.Errorf("the runtime ended before its response: %s", runtime.ProcessState)
	}
	_ = runtime.Process.Kill()
	<-ended
	return response, took, nil
}

// api is a Runtime API with one event.
func api(event string, responses chan<- string, done <-chan struct{}) http.Handler {
	given := make(chan struct{}, 1)
	given <- struct{}{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-given:
		case <-done:
			return
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bare")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, event)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		responses <- string(body)
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}
