package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// screen is an output that somebody looks at meanwhile.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// shows waits until a text is on the screen.
func (s *screen) shows(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(s.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q on the screen:\n%s", text, s)
		}
	}
}

func TestInvokeWatch(t *testing.T) {
	endpoint := startEngine(t)
	dir := t.TempDir()
	save := func(line string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte("def handler(event, context):\n    "+line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("return 'first'")
	ctx, interrupt := context.WithCancel(t.Context())
	var out, errs screen
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, "test", []string{"invoke", "hello", "--watch", dir, "--endpoint", endpoint}, strings.NewReader(""), &out, &errs)
	}()
	out.shows(t, `"first"`)
	save("raise ValueError('broken')")
	errs.shows(t, "Error: hello failed (Unhandled).")
	save("return 'mended'")
	out.shows(t, `"mended"`)
	interrupt()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d\n%s", code, &errs)
	}
	// The function is what it was.
	client, err := (&app{endpoint: endpoint, region: "us-east-1"}).lambda(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("hello")})
	if err != nil || f.Tags[packaging.HotReloadTag] != "" {
		t.Errorf("tags %v, %v", f.Tags, err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"invoke", "hello:live", "--watch", dir}, exitUsage, "hello:live is version 1, whose code never changes"},
		{[]string{"invoke", "nobody", "--watch", dir}, exitFailed, "ResourceNotFoundException"},
		{[]string{"invoke", "hello", "--watch", filepath.Join(dir, "not-here")}, exitFailed, "no such file or directory"},
	} {
		if code, _, stderr := run(t, "", append(c.args, "--endpoint", endpoint)...); code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: %d %s", c.args, code, stderr)
		}
	}
}
