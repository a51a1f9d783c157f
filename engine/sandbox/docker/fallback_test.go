//go:build linux

package docker_test

import (
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
)

// TestHelperFarAway is not a test but the engine of TestFarDaemon.
func TestHelperFarAway(t *testing.T) {
	dir := os.Getenv("HELPER_FAR_DIR")
	if dir == "" {
		t.Skip("runs in TestFarDaemon only")
	}
	d := newDriver(t, func(o *docker.Options) {
		o.Dir, o.Logger = dir, slog.New(slog.NewTextHandler(os.Stdout, nil))
	})
	for range 2 {
		env := start(t, d, sandboxtest.Python())
		if res, err := invoke(t, env, `{"op":"count"}`); err != nil || string(res.Payload) != "1" {
			t.Errorf("%v %s", err, res.Payload)
		}
	}
}

// An engine whose files the daemon does not see, as in a container of its own
// that has been given the daemon's socket, finds that out and works all the same.
func TestFarDaemon(t *testing.T) {
	newDriver(t) // or skip
	dir := t.TempDir()
	// A mount that only the engine sees.
	engine := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-c",
		`mount -t tmpfs none "$HELPER_FAR_DIR" && exec "$0" -test.v -test.run '^TestHelperFarAway$'`, os.Args[0])
	engine.Env = append(os.Environ(), "HELPER_FAR_DIR="+dir)
	out, err := engine.CombinedOutput()
	if err != nil && os.Getuid() != 0 {
		t.Skipf("needs root for a mount of its own: %s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestHelperFarAway") {
		t.Fatalf("%v: %s", err, out)
	}
	if n := strings.Count(string(out), "talking over their standard streams"); n != 1 {
		t.Errorf("told %d times: %s", n, out)
	}
}
