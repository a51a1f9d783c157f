package docker

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	api "github.com/docker/docker/api/types/container"
	"github.com/hashicorp/yamux"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/embedded"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/session"
)

// Transport is how the engine and a container reach each other.
type Transport string

// The transports.
const (
	// Socket is a Unix socket in a directory that both see; code is linked into
	// another. It needs a daemon on this very machine.
	Socket Transport = "socket"
	// Stdio is the container's standard streams, with code copied in through the
	// daemon. It works wherever the daemon itself can be reached.
	Stdio Transport = "stdio"
)

// Where containers find what the engine gives them.
const (
	tmpDir         = "/tmp"
	runDir         = "/run/lambda"
	supervisorPath = runDir + "/supervisor"
)

// link is the connection of one container to the engine.
type link interface {
	// address is the supervisor's argument.
	address() string
	// configure adds what the transport needs to a container to be created.
	configure(*api.Config, *api.HostConfig)
	// prepare readies the created container for its start and returns where its
	// supervisor's connections arrive.
	prepare(ctx context.Context, id string) (net.Listener, error)
	// deliver puts the content of a directory into one of the container's places for code.
	deliver(ctx context.Context, id, dir, place string) error
	// remove removes what is left on this machine.
	remove() error
}

func (c *container) deliver(ctx context.Context, dir, place string) error {
	if err := c.link.deliver(ctx, c.id, dir, place); err != nil {
		return fmt.Errorf("put the code of %s into container: %w", place, err)
	}
	return nil
}

func (d *Driver) newLink(k kind, transport Transport) (link, error) {
	if transport == Stdio {
		return &stdioLink{driver: d, kind: k}, nil
	}
	supervisor, err := embedded.Install(filepath.Join(d.options.Dir, "bin"), k.arch)
	if err != nil {
		return nil, err
	}
	dir, err := d.instance.New()
	if err != nil {
		return nil, err
	}
	l := &socketLink{dir: dir, kind: k}
	// The container's user is another one; the directory above keeps others out.
	for _, sub := range append(k.places(), runDir) {
		if err := os.MkdirAll(l.path(sub), 0o755); err != nil {
			return nil, fmt.Errorf("make directory for container: %w", err)
		}
	}
	if err := sandbox.LinkFile(supervisor, filepath.Join(l.path(runDir), "supervisor")); err != nil {
		return nil, fmt.Errorf("install supervisor: %w", err)
	}
	if k.tmpMB > 0 {
		if err := scratch.Make(l.path(tmpDir), k.tmpMB); err != nil {
			d.unsized.Do(func() { d.logger.Warn("the size of /tmp cannot be limited", "error", err) })
		} else {
			l.sized = true
		}
	}
	return l, nil
}

// socketLink shares directories with the container.
type socketLink struct {
	dir   string
	kind  kind
	sized bool // /tmp is a directory here, of its size
}

// path is where this machine has a directory of the container.
func (l *socketLink) path(place string) string {
	return filepath.Join(l.dir, filepath.FromSlash(place))
}

func (l *socketLink) address() string { return "unix:" + runDir + "/engine.sock" }

func (l *socketLink) configure(config *api.Config, host *api.HostConfig) {
	for _, place := range append(l.kind.places(), runDir) {
		host.Mounts = append(host.Mounts, bind(l.path(place), place, true))
	}
	if l.sized {
		host.Mounts = append(host.Mounts, bind(l.path(tmpDir), tmpDir, false))
	} else {
		config.Volumes[tmpDir] = struct{}{}
	}
}

func (l *socketLink) prepare(context.Context, string) (net.Listener, error) {
	return session.Listen(l.path(runDir))
}

func (l *socketLink) deliver(ctx context.Context, _, dir, place string) error {
	return sandbox.Overlay(ctx, dir, l.path(place))
}

func (l *socketLink) remove() error { return scratch.RemoveAll(l.dir) }

// stdioLink talks through the daemon.
type stdioLink struct {
	driver *Driver
	kind   kind
}

func (l *stdioLink) address() string { return "stdio" }

func (l *stdioLink) configure(config *api.Config, _ *api.HostConfig) {
	config.AttachStdin, config.AttachStdout = true, true
	config.OpenStdin, config.StdinOnce = true, true
	for _, place := range append(l.kind.places(), runDir, tmpDir) {
		config.Volumes[place] = struct{}{}
	}
}

func (l *stdioLink) prepare(ctx context.Context, id string) (net.Listener, error) {
	supervisor, err := embedded.Supervisor(l.kind.arch)
	if err != nil {
		return nil, err
	}
	client := l.driver.client
	if err := client.CopyToContainer(ctx, id, runDir, tarFile("supervisor", supervisor), api.CopyToContainerOptions{}); err != nil {
		return nil, fmt.Errorf("copy supervisor into container: %w", err)
	}
	// The streams outlive the start that they are attached for.
	attached, err := client.ContainerAttach(context.WithoutCancel(ctx), id, api.AttachOptions{Stream: true, Stdin: true, Stdout: true})
	if err != nil {
		return nil, fmt.Errorf("attach to container: %w", err)
	}
	config := yamux.DefaultConfig()
	config.LogOutput = io.Discard
	config.EnableKeepAlive = false
	config.MaxStreamWindowSize = 1 << 20
	mux, err := yamux.Server(&attachment{Conn: attached.Conn, r: attached.Reader}, config)
	if err != nil {
		attached.Close()
		return nil, fmt.Errorf("attach to container: %w", err)
	}
	return mux, nil
}

func (l *stdioLink) deliver(ctx context.Context, id, dir, place string) error {
	return l.driver.copyTree(ctx, id, dir, place)
}

func (l *stdioLink) remove() error { return nil }

// attachment is the attached streams as one connection. The daemon packs the
// output into blocks of eight bytes of header, the last four of them the size,
// and the data.
type attachment struct {
	net.Conn
	r    io.Reader
	left int
}

func (a *attachment) Read(p []byte) (int, error) {
	for a.left == 0 {
		var header [8]byte
		if _, err := io.ReadFull(a.r, header[:]); err != nil {
			return 0, err
		}
		a.left = int(binary.BigEndian.Uint32(header[4:]))
	}
	n, err := a.r.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}
