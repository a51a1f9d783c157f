package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/docker/docker/client"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/runtimes"
)

// daemon is what the driver needs to know about the Docker daemon.
type daemon struct {
	host    string // such as unix:///var/run/docker.sock
	arch    string // Go's name for it
	cpus    int
	desktop bool // it runs in a virtual machine that shares no sockets
}

// Connect finds the daemon that the docker command would talk to, for containers that
// are no environments.
func Connect(ctx context.Context) (*client.Client, error) {
	cli, _, err := connect(ctx)
	return cli, err
}

// connect finds the daemon that the docker command would talk to.
func connect(ctx context.Context) (*client.Client, daemon, error) {
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if os.Getenv("DOCKER_HOST") == "" {
		if host := discover(); host != "" {
			options = append(options, client.WithHost(host))
		}
	}
	cli, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, daemon{}, fmt.Errorf("set up Docker client: %w", err)
	}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	info, err := cli.Info(asking)
	if err != nil {
		return nil, daemon{}, errors.Join(fmt.Errorf("no Docker daemon answers at %s: start it, or use the process driver: %w", cli.DaemonHost(), err), cli.Close())
	}
	if info.OSType != "linux" {
		return nil, daemon{}, errors.Join(fmt.Errorf("the Docker daemon at %s runs %s containers: switch it to Linux containers", cli.DaemonHost(), info.OSType), cli.Close())
	}
	return cli, daemon{
		host:    cli.DaemonHost(),
		arch:    goArch(info.Architecture),
		cpus:    info.NCPU,
		desktop: strings.Contains(info.OperatingSystem, "Docker Desktop"),
	}, nil
}

// goArch translates the kernel's and Lambda's names of architectures.
func goArch(name string) string {
	switch name {
	case "x86_64", "amd64":
		return "amd64"
	case "aarch64", "arm64":
		return "arm64"
	}
	return name
}

// lambdaArch is Lambda's name of Go's.
func lambdaArch(name string) string {
	if name == "amd64" {
		return "x86_64"
	}
	return name
}

// discover reads the docker command's current context, and knows where daemons
// put their sockets. Empty leaves it to the client's default.
func discover() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	if host := contextHost(filepath.Join(home, ".docker")); host != "" {
		return host
	}
	for _, path := range []string{
		"/var/run/docker.sock",
		filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "docker.sock"),
		filepath.Join(home, ".docker", "run", "docker.sock"),
		filepath.Join(home, ".colima", "default", "docker.sock"),
	} {
		if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix://" + path
		}
	}
	return ""
}

func contextHost(dir string) string {
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		var config struct{ CurrentContext string }
		if data, err := os.ReadFile(filepath.Join(dir, "config.json")); err == nil {
			_ = json.Unmarshal(data, &config)
		}
		name = config.CurrentContext
	}
	if name == "" || name == "default" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	data, err := os.ReadFile(filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json"))
	if err != nil {
		return ""
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	_ = json.Unmarshal(data, &meta)
	return meta.Endpoints["docker"].Host
}

// transport guesses how containers can reach the engine.
func (d daemon) transport() Transport {
	if goruntime.GOOS == "linux" && strings.HasPrefix(d.host, "unix://") && !d.desktop {
		return Socket
	}
	return Stdio
}

// Available says whether Docker can run functions here: a daemon answers, and an
// image is there or can be had for at least one of the runtimes (nil: the usual
// ones). Its error says what is missing.
func Available(ctx context.Context, o Options, names ...string) error {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	cli, daemon, err := connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = cli.Close() }()
	if len(names) == 0 {
		names = []string{"python3.13", "nodejs22.x", "provided.al2023"}
	}
	d := &Driver{options: o, logger: o.Logger, client: cli, daemon: daemon}
	var missing error
	for _, name := range names {
		runtime, err := runtimes.Lookup(name)
		if err != nil {
			return err
		}
		ref := firstOf(o.Images[name], runtime.Image())
		if d.present(ctx, ref) || d.present(ctx, runtime.StandIn()) {
			return nil
		}
		missing = errors.Join(missing, d.reachable(ctx, ref))
		if missing == nil {
			return nil
		}
	}
	return missing
}

func (d *Driver) present(ctx context.Context, ref string) bool {
	_, err := d.client.ImageInspect(ctx, ref)
	return err == nil
}

// reachable asks the registry about an image without pulling it.
func (d *Driver) reachable(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := d.client.DistributionInspect(ctx, ref, ""); err != nil {
		return missingImage(ref, err)
	}
	return nil
}
