//go:build linux

package main

import (
	"errors"
	"net"
	"syscall"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/lifecycle"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// lend gives the engine what its own lifecycle needs of this environment, and does what
// only somebody inside can, until the engine goes away.
func lend(conn *protocol.Conn, family *programs.Family, open protocol.Open, api, endpoint net.Listener, group lifecycle.Group, ended *end) {
	defer ended.come()
	opened := protocol.Opened{Extensions: programs.Executables(open.Extensions), Peak: group.Peak != nil, Kills: group.Kills != nil}
	files := []syscall.Conn{api.(*net.TCPListener), endpoint.(*net.TCPListener)}
	if opened.Peak {
		files = append(files, group.Peak)
	}
	if opened.Kills {
		files = append(files, group.Kills)
	}
	if conn.SendFiles(protocol.KindOpened, opened, files...) != nil {
		return
	}
	// From now on they live as long as the engine holds them.
	_, _ = api.Close(), endpoint.Close()
	h := &hands{conn: conn, host: host{family}, running: map[int]*programs.Process{}}
	for {
		frame, err := conn.Receive()
		if err != nil || h.do(frame) != nil {
			return
		}
	}
}

// hands do what the engine asks for.
type hands struct {
	conn    *protocol.Conn
	host    host
	running map[int]*programs.Process
}

func (h *hands) do(frame protocol.Frame) error {
	switch frame.Kind {
	case protocol.KindStart:
		var start protocol.Start
		if err := frame.Decode(&start); err != nil {
			return err
		}
		return h.start(programs.Program(start))
	case protocol.KindSignal:
		var signal protocol.Signal
		if err := frame.Decode(&signal); err != nil {
			return err
		}
		h.signal(signal)
		return nil
	case protocol.KindKill:
		var kill protocol.Kill
		if err := frame.Decode(&kill); err != nil {
			return err
		}
		h.host.Kill(kill.Patience)
		return h.conn.Send(protocol.KindKilled, struct{}{}, nil)
	case protocol.KindDial:
		var dial protocol.Dial
		if err := frame.Decode(&dial); err != nil {
			return err
		}
		return h.dial(dial.Port)
	}
	return errors.New("frame of unknown kind")
}

func (h *hands) start(program programs.Program) error {
	p, err := h.host.Start(program)
	if err != nil {
		return h.conn.Send(protocol.KindStarted, notStarted(err), nil)
	}
	h.running[p.PID] = p
	if err := h.conn.SendFiles(protocol.KindStarted, protocol.Started{PID: p.PID}, p.Stdout, p.Stderr); err != nil {
		return err
	}
	_, _ = p.Stdout.Close(), p.Stderr.Close()
	go func() {
		<-p.Exited()
		_ = h.conn.Send(protocol.KindEnded, protocol.Ended{PID: p.PID, Status: uint32(p.Status()), Peak: p.Peak()}, nil)
	}()
	return nil
}

func notStarted(err error) protocol.Started {
	var failed *programs.StartError
	var errno syscall.Errno
	if errors.As(err, &failed) && errors.As(err, &errno) {
		return protocol.Started{Path: failed.Path, Errno: int(errno)}
	}
	return protocol.Started{Error: err.Error()}
}

func (h *hands) signal(s protocol.Signal) {
	signal := syscall.Signal(s.Signal)
	switch {
	case s.PID != 0:
		if p := h.running[s.PID]; p != nil {
			h.host.Signal(p, signal)
		}
	case signal == syscall.SIGSTOP:
		h.host.Freeze()
	case signal == syscall.SIGCONT:
		h.host.Thaw()
	}
}

func (h *hands) dial(port int) error {
	conn, err := h.host.Dial(port)
	if err != nil {
		return h.conn.Send(protocol.KindDialed, protocol.Dialed{Error: err.Error()}, nil)
	}
	defer func() { _ = conn.Close() }()
	return h.conn.SendFiles(protocol.KindDialed, protocol.Dialed{}, conn.(*net.TCPConn))
}
