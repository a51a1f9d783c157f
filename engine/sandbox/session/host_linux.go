package session

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/lifecycle"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// host is the lifecycle.Host whose programs a supervisor starts for the engine.
type host struct {
	conn *protocol.Conn
	gone chan struct{} // closed by lost

	asking  sync.Mutex  // held from a question to its answer
	answers chan answer // of Open, Start, Kill and Dial

	mu      sync.Mutex
	running map[int]*programs.Process
	life    *lifecycle.Life
	dead    bool // lost has been
}

// answer is a frame with what came with it.
type answer struct {
	protocol.Frame
	files   []*os.File
	process *programs.Process // that runs
}

// enoughFiles is how many files an engine must be able to open to borrow those of its
// environments, which are nine or so each.
const enoughFiles = 16 << 10

// slowness is how long a supervisor may take for what takes it no time.
const slowness = 10 * time.Second

// lastWord is how long a life may take to notice that its programs have gone.
const lastWord = time.Second

// newLender returns the way to run a lifecycle here, or nil if the supervisor must.
func newLender(conn *protocol.Conn, hello protocol.Hello) lender {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	inContainer := hello.PID == 1
	if err != nil || limit.Cur < enoughFiles || !conn.CarriesFiles() || inContainer && !hello.Measured {
		return nil
	}
	return newHost(conn)
}

// boot implements lender.
func (h *host) boot(s *Session, assign protocol.Assign) (life, error) {
	a, err := h.ask(protocol.KindOpen, protocol.Open{Extensions: assign.Extensions}, 0)
	if err != nil {
		return nil, err
	}
	var opened protocol.Opened
	if err := a.Decode(&opened); err != nil {
		a.close()
		return nil, err
	}
	api, apiErr := net.FileListener(a.files[0])
	endpoint, endpointErr := net.FileListener(a.files[1])
	_, _ = a.files[0].Close(), a.files[1].Close()
	if err := errors.Join(apiErr, endpointErr); err != nil {
		return nil, fmt.Errorf("take over the sockets of an environment: %w", err)
	}
	var group lifecycle.Group
	left := a.files[2:]
	if opened.Peak {
		group.Peak, left = left[0], left[1:]
	}
	if opened.Kills {
		group.Kills = left[0]
	}
	l := lifecycle.New(h, events{s}, group)
	h.mu.Lock()
	if h.dead {
		h.mu.Unlock()
		l.Close()
		_, _ = api.Close(), endpoint.Close()
		return nil, errSupervisorGone
	}
	h.life = l
	h.mu.Unlock()
	s.serveEndpoint(endpoint)
	s.wg.Go(func() {
		select {
		case <-l.Done():
		case <-h.gone:
		}
		s.hangUp()
	})
	l.Boot(assign, opened.Extensions, api, endpoint.Addr().String())
	return local{l}, nil
}

// local is a life in this process.
type local struct{ *lifecycle.Life }

func (l local) invoke(inv protocol.Invoke, payload []byte) error {
	l.Invoke(inv, payload)
	return nil
}

func (l local) stop() error {
	l.Stop()
	return nil
}

func newHost(conn *protocol.Conn) *host {
	return &host{conn: conn, gone: make(chan struct{}), answers: make(chan answer, 1), running: map[int]*programs.Process{}}
}

// handle takes a frame of the supervisor's in. It does not block.
func (h *host) handle(frame protocol.Frame) error {
	a, files, pid := answer{Frame: frame}, 0, 0
	switch frame.Kind {
	case protocol.KindEnded:
		var ended protocol.Ended
		if err := frame.Decode(&ended); err != nil {
			return err
		}
		h.ended(ended.PID, syscall.WaitStatus(ended.Status), ended.Peak)
		return nil
	case protocol.KindOpened:
		var opened protocol.Opened
		if err := frame.Decode(&opened); err != nil {
			return err
		}
		files = opened.Files()
	case protocol.KindStarted:
		var started protocol.Started
		if err := frame.Decode(&started); err != nil {
			return err
		}
		if pid = started.PID; pid != 0 {
			files = 2
		}
	case protocol.KindDialed:
		var dialed protocol.Dialed
		if err := frame.Decode(&dialed); err != nil {
			return err
		}
		if dialed.Error == "" {
			files = 1
		}
	case protocol.KindKilled:
	default:
		return fmt.Errorf("frame of unknown kind %d", frame.Kind)
	}
	var err error
	if a.files, err = h.conn.Files(files); err == nil {
		if pid != 0 { // at once, since its end may be the next frame
			a.process = programs.NewProcess(pid, a.files[0], a.files[1])
			h.mu.Lock()
			h.running[pid] = a.process
			h.mu.Unlock()
		}
		select {
		case h.answers <- a:
			return nil
		default:
			err = errors.New("an answer that nobody waits for")
		}
	}
	a.close()
	return err
}

func (a answer) close() {
	for _, f := range a.files {
		_ = f.Close()
	}
}

// ask sends a frame and waits for its answer, but not for longer than work takes and an
// overloaded machine needs. A supervisor that is silent is given up.
func (h *host) ask(kind protocol.Kind, question any, work time.Duration) (answer, error) {
	h.asking.Lock()
	defer h.asking.Unlock()
	if err := h.conn.Send(kind, question, nil); err != nil {
		return answer{}, errSupervisorGone
	}
	late := time.NewTimer(work + slowness)
	defer late.Stop()
	select {
	case a := <-h.answers:
		return a, nil
	case <-h.gone:
		return answer{}, errSupervisorGone
	case <-late.C:
		_ = h.conn.Close()
		return answer{}, errSilent
	}
}

func (h *host) ended(pid int, status syscall.WaitStatus, peak int64) {
	h.mu.Lock()
	p := h.running[pid]
	delete(h.running, pid)
	h.mu.Unlock()
	if p != nil {
		p.Ended(status, peak)
	}
}

// lost implements lender: with the supervisor all programs have gone.
func (h *host) lost() {
	close(h.gone)
	h.mu.Lock()
	h.dead = true
	left, l := h.running, h.life
	h.running = nil
	h.mu.Unlock()
	for _, p := range left {
		p.Ended(syscall.WaitStatus(syscall.SIGKILL), 0)
	}
	if l != nil {
		if len(left) > 0 { // it says what that means for an invocation
			select {
			case <-l.Done():
			case <-time.After(lastWord):
			}
		}
		l.Close()
	}
	select {
	case a := <-h.answers: // that came too late
		a.close()
	default:
	}
}

// Start implements lifecycle.Host.
func (h *host) Start(program programs.Program) (*programs.Process, error) {
	a, err := h.ask(protocol.KindStart, protocol.Start(program), 0)
	if err != nil {
		return nil, fmt.Errorf("start a program: %w", err)
	}
	var started protocol.Started
	if err := a.Decode(&started); err != nil {
		a.close()
		return nil, err
	}
	switch {
	case started.Path != "":
		return nil, &programs.StartError{Path: started.Path, Err: syscall.Errno(started.Errno)}
	case started.Error != "":
		return nil, errors.New(started.Error)
	}
	return a.process, nil
}

// Signal implements lifecycle.Host.
func (h *host) Signal(p *programs.Process, signal syscall.Signal) {
	_ = h.conn.Send(protocol.KindSignal, protocol.Signal{PID: p.PID, Signal: int(signal)}, nil)
}

// Freeze implements lifecycle.Host.
func (h *host) Freeze() {
	_ = h.conn.Send(protocol.KindSignal, protocol.Signal{Signal: int(syscall.SIGSTOP)}, nil)
}

// Thaw implements lifecycle.Host.
func (h *host) Thaw() {
	_ = h.conn.Send(protocol.KindSignal, protocol.Signal{Signal: int(syscall.SIGCONT)}, nil)
}

// Kill implements lifecycle.Host.
func (h *host) Kill(patience time.Duration) {
	_, _ = h.ask(protocol.KindKill, protocol.Kill{Patience: patience}, patience)
}

// Dial implements lifecycle.Host.
func (h *host) Dial(port int) (net.Conn, error) {
	a, err := h.ask(protocol.KindDial, protocol.Dial{Port: port}, time.Second)
	if err != nil {
		return nil, err
	}
	defer a.close()
	var dialed protocol.Dialed
	if err := a.Decode(&dialed); err != nil {
		return nil, err
	}
	if dialed.Error != "" {
		return nil, errors.New(dialed.Error)
	}
	return net.FileConn(a.files[0])
}
