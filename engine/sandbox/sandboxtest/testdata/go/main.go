// Command bootstrap is the Go function of the sandbox tests.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Op      string
	Why     string
	Seconds float64
	Lines   int
	Size    int
	Data    string
	Path    string
}

var (
	count int
	ticks atomic.Int64
)

func main() {
	if os.Getenv("FAIL") == "init" {
		os.Exit(3)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	count++
	var r request
	_ = json.Unmarshal(event, &r)
	switch r.Op {
	case "", "echo":
		return event, nil
	case "raise":
		return nil, errors.New("no good: " + r.Why)
	case "panic":
		panic(r.Why)
	case "exit":
		os.Exit(7)
	case "sleep":
		time.Sleep(time.Duration(r.Seconds * float64(time.Second)))
		return "slept", nil
	case "print":
		for i := range r.Lines {
			fmt.Printf("line %d\n", i)
		}
		fmt.Print("no line break")
		return nil, nil
	case "large":
		return strings.Repeat("x", r.Size), nil
	case "length":
		return len(r.Data), nil
	case "count":
		return count, nil
	case "tick":
		if count == 1 {
			go func() {
				for range time.Tick(10 * time.Millisecond) {
					ticks.Add(1)
				}
			}()
		}
		return ticks.Load(), nil
	case "eat":
		for eaten := [][]byte{}; ; {
			b := make([]byte, 8<<20)
			for i := range b {
				b[i] = 1
			}
			eaten = append(eaten, b)
		}
	case "tmp":
		path := filepath.Join(os.TempDir(), "mark")
		_, err := os.Stat(path)
		return err == nil, os.WriteFile(path, []byte("x"), 0o600)
	case "write":
		if err := os.WriteFile(r.Path, []byte("x"), 0o600); err != nil {
			return err.Error(), nil
		}
		return "written", nil
	case "fill": // /tmp, with so many bytes
		if err := os.WriteFile("/tmp/fill", make([]byte, r.Size), 0o600); err != nil {
			return err.Error(), os.Remove("/tmp/fill")
		}
		return "filled", os.Remove("/tmp/fill")
	case "context":
		return describe(ctx), nil
	case "get":
		return get(r.Path)
	case "stream":
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(stream(writer, r)) }()
		return reader, nil
	}
	return nil, errors.New("unknown op " + r.Op)
}

func get(path string) (string, error) {
	res, err := http.Get(os.Getenv("AWS_ENDPOINT_URL") + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

// stream writes half a response and does as it is told.
func stream(w io.Writer, r request) error {
	if _, err := io.WriteString(w, "first "); err != nil {
		return err
	}
	switch r.Why {
	case "raise":
		return errors.New("no good: today")
	case "exit":
		time.Sleep(50 * time.Millisecond) // a write is on its way when it returns, no sooner
		os.Exit(7)
	case "sleep":
		time.Sleep(time.Minute)
	case "large":
		for piece := make([]byte, 1<<20); ; {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
	}
	_, err := get("/gate")
	if err == nil {
		_, err = io.WriteString(w, "second")
	}
	return err
}

func describe(ctx context.Context) map[string]any {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	cwd, _ := os.Getwd()
	out := map[string]any{
		"id":        lc.AwsRequestID,
		"arn":       lc.InvokedFunctionArn,
		"remaining": time.Until(deadline).Milliseconds(),
		"name":      lambdacontext.FunctionName,
		"trace":     os.Getenv("_X_AMZN_TRACE_ID"),
		"uid":       os.Getuid(),
		"cwd":       cwd,
		"task":      os.Getenv("LAMBDA_TASK_ROOT"),
		"custom":    nil,
		"identity":  nil,
	}
	if len(lc.ClientContext.Custom) > 0 {
		out["custom"] = lc.ClientContext.Custom
	}
	if lc.Identity.CognitoIdentityID != "" {
		out["identity"] = lc.Identity.CognitoIdentityID
	}
	return out
}
