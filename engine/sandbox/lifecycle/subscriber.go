//go:build linux

package lifecycle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// subscriber is one extension's buffer of events and who delivers them. The lock of
// the telemetry guards it.
//
// One batch may be on its way while the next one fills. When that one is full too,
// events are dropped, and their number is the first of the next batch.
type subscriber struct {
	telemetry *telemetry
	name      string
	api       *api
	schema    string
	sources   source
	buffering buffering
	target    destination

	batch   [][]byte
	size    int
	due     bool // deliver the batch, full or not
	sending bool
	dropped int // events since the last batch
	lost    int // their bytes
	timer   *time.Timer
	wake    chan struct{}
	tcp     net.Conn // of the one who delivers
}

// attempts and pauses of the delivery to who does not answer: some seconds in all.
const (
	maxAttempts = 10
	firstPause  = 25 * time.Millisecond
	maxPause    = time.Second
)

func newSubscriber(t *telemetry, name string, through *api, s subscription) *subscriber {
	sub := &subscriber{
		telemetry: t, name: name, api: through, schema: s.Schema, sources: s.sources(),
		buffering: s.Buffering, target: s.Destination, wake: make(chan struct{}, 1),
	}
	sub.timer = time.AfterFunc(time.Hour, sub.expire)
	sub.timer.Stop()
	return sub
}

// change takes over what another subscription of the same extension asks for.
func (s *subscriber) change(to *subscriber) {
	s.schema, s.sources, s.buffering, s.target = to.schema, to.sources, to.buffering, to.target
}

// add takes an event in, or drops it.
func (s *subscriber) add(e telemetryEvent) {
	if s.sources&e.source == 0 {
		return
	}
	data := e.encode(s.api, s.schema)
	if data == nil {
		return
	}
	if s.full() {
		s.dropped++
		s.lost += len(data)
		return
	}
	if len(s.batch) == 0 {
		s.timer.Reset(s.buffering.timeout())
	}
	s.batch = append(s.batch, data)
	s.size += len(data)
	if s.full() {
		s.deliver()
	}
}

func (s *subscriber) full() bool {
	return len(s.batch) >= *s.buffering.MaxItems || s.size >= *s.buffering.MaxBytes
}

// deliver has the batch sent as soon as the one before it is.
func (s *subscriber) deliver() {
	s.due = true
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) expire() {
	s.telemetry.mu.Lock()
	defer s.telemetry.mu.Unlock()
	if len(s.batch) > 0 {
		s.deliver()
	}
}

// run delivers batches until the Life is closed.
func (s *subscriber) run() {
	for {
		select {
		case <-s.wake:
		case <-s.telemetry.life.closing:
			return
		}
		batch, to := s.take()
		if batch == nil {
			continue
		}
		sent := s.send(batch, to)
		s.telemetry.mu.Lock()
		s.sending = false
		if !sent {
			s.dropped += len(batch)
			for _, data := range batch {
				s.lost += len(data)
			}
		}
		s.confess()
		if s.due {
			s.deliver()
		}
		s.telemetry.mu.Unlock()
	}
}

func (s *subscriber) take() ([][]byte, destination) {
	s.telemetry.mu.Lock()
	defer s.telemetry.mu.Unlock()
	if !s.due || len(s.batch) == 0 {
		return nil, s.target
	}
	batch := s.batch
	s.batch, s.size, s.due, s.sending = nil, 0, false, true
	s.timer.Stop()
	s.confess()
	return batch, s.target
}

// confess tells the subscriber that events were dropped.
func (s *subscriber) confess() {
	if s.dropped == 0 || s.full() {
		return
	}
	record := struct {
		Bytes   int    `json:"droppedBytes"`
		Records int    `json:"droppedRecords"`
		Reason  string `json:"reason"`
	}{s.lost, s.dropped, "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."}
	s.dropped, s.lost = 0, 0
	s.add(telemetryEvent{at: time.Now(), source: platform, kind: "platform.logsDropped", record: record, logs: record})
}

// flush has everything delivered and reports whether anything is still to be.
func (t *telemetry) flush() (pending bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.subscribers {
		if len(s.batch) > 0 && !s.due {
			s.deliver()
		}
		pending = pending || s.sending || len(s.batch) > 0
	}
	return pending
}

// drain flushes and waits, but not for long.
func (t *telemetry) drain(patience time.Duration) {
	if !t.flush() {
		return
	}
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for t.flush() && time.Now().Before(deadline) {
		<-tick.C
	}
}

// send delivers a batch, after some attempts if need be, and reports whether it could.
func (s *subscriber) send(batch [][]byte, to destination) bool {
	pause := firstPause
	for left := maxAttempts; left > 0; left-- {
		var err error
		if to.Protocol == "TCP" {
			err = s.sendTCP(batch, to)
		} else {
			err = s.post(batch, to)
		}
		if err == nil {
			return true
		}
		select {
		case <-time.After(pause):
		case <-s.telemetry.life.closing:
			return false
		}
		pause = min(2*pause, maxPause)
	}
	return false
}

func (s *subscriber) sendTCP(batch [][]byte, to destination) error {
	if s.tcp == nil {
		conn, err := s.dial(to)
		if err != nil {
			return err
		}
		s.tcp = conn
	}
	lines := make(net.Buffers, 0, 2*len(batch))
	for _, data := range batch {
		lines = append(lines, data, []byte{'\n'})
	}
	if _, err := lines.WriteTo(s.tcp); err != nil {
		s.telemetry.life.release(s.tcp)
		s.tcp = nil
		return err
	}
	return nil
}

// dial reaches the port of a subscriber, which is on the environment's own loopback.
func (s *subscriber) dial(to destination) (net.Conn, error) {
	conn, err := s.telemetry.life.host.Dial(to.Port)
	if err != nil {
		return nil, err
	}
	if !s.telemetry.life.hold(conn, maxConnections+maxExtensions) {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// post is an HTTP client of one request. It waits for the answer without a limit:
// the extension may be frozen meanwhile, and nobody waits for this.
func (s *subscriber) post(batch [][]byte, to destination) error {
	conn, err := s.dial(to)
	if err != nil {
		return err
	}
	defer s.telemetry.life.release(conn)
	size := 1 + len(batch)
	for _, data := range batch {
		size += len(data)
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: sandbox.localdomain:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
		to.Method, to.path, to.Port, size)
	parts := make(net.Buffers, 0, 2*len(batch)+2)
	parts = append(parts, []byte(head))
	for i, data := range batch {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		parts = append(parts, []byte{separator}, data)
	}
	parts = append(parts, []byte{']'})
	if _, err := parts.WriteTo(conn); err != nil {
		return err
	}
	r := bufio.NewReaderSize(conn, 512)
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, r) // hanging up before its end would upset some servers
	_, status, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(status, "2") {
		return errors.New(strings.TrimSpace(line))
	}
	return nil
}
