//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
)

// disturbances are those that there are.
var disturbances = []string{"engine", "stop", "pause", "environment", "disk", "daemon"}

// settling is how long after a disturbance a call may still feel it.
const settling = time.Second

// disturb does one thing after the other until ctx ends, and leaves everything running.
func (s *site) disturb(ctx context.Context, dice *rand.Rand, r *report) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(500+dice.IntN(2500)) * time.Millisecond):
		}
		what := s.chaos[dice.IntN(len(s.chaos))]
		length := time.Duration(dice.IntN(1500)) * time.Millisecond
		begin := time.Now()
		s.opened()
		err := s.once(what, length, dice)
		s.closed()
		s.logf("%s %s, for %v", begin.Format("15:04:05.000"), what, time.Since(begin).Round(time.Millisecond))
		r.disturbed(what, err)
	}
}

// once disturbs the site and repairs it, which the end of the run does not cut short.
func (s *site) once(what string, length time.Duration, dice *rand.Rand) error {
	ctx := context.Background()
	switch what {
	case "engine":
		s.end(syscall.SIGKILL)
		time.Sleep(length / 3)
		return s.launch(ctx)
	case "stop":
		s.end(syscall.SIGTERM)
		return s.launch(ctx)
	case "pause": // as when a laptop sleeps
		_ = syscall.Kill(s.pid(), syscall.SIGSTOP)
		time.Sleep(length)
		return syscall.Kill(s.pid(), syscall.SIGCONT)
	case "environment":
		return s.killEnvironment(dice)
	case "disk":
		if err := s.fill(length); err != nil {
			return err
		}
		return s.recovered(ctx)
	case "daemon":
		if s.daemon == nil {
			return nil
		}
		s.daemon.Kill()
		time.Sleep(length)
		return s.daemon.Start(ctx)
	}
	return fmt.Errorf("there is no disturbance %q", what)
}

// killEnvironment kills a process of an environment: the function or its supervisor.
func (s *site) killEnvironment(dice *rand.Rand) error {
	if s.driver == "docker" {
		out, err := s.docker("ps", "-q", "--filter", "label=lambdaform.pid="+strconv.Itoa(s.pid())).Output()
		if ids := strings.Fields(string(out)); err == nil && len(ids) > 0 {
			_ = s.docker("kill", ids[dice.IntN(len(ids))]).Run() // it may have just ended
		}
		return err
	}
	if all := programs.Descendants(s.pid()); len(all) > 0 {
		_ = syscall.Kill(all[dice.IntN(len(all))], syscall.SIGKILL)
	}
	return nil
}

// fill leaves the data directory no room for a while.
func (s *site) fill(length time.Duration) error {
	path := filepath.Join(s.data(), "ballast")
	defer os.Remove(path)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	time.Sleep(length)
	return nil
}

// recovered waits until the engine serves for good: one whose store the full disk has
// broken lets its calls end before it begins anew, and answers 503 until then.
func (s *site) recovered(ctx context.Context) error {
	return s.healthy(ctx, 200*time.Millisecond)
}

// opened and closed bound a time in which calls may fail.
func (s *site) opened() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows = append(s.windows, window{begin: time.Now()})
}

func (s *site) closed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows[len(s.windows)-1].end = time.Now()
}

// disturbedSince tells whether something was disturbed at any time since.
func (s *site) disturbedSince(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.windows {
		if w.end.IsZero() || w.end.Add(settling).After(since) {
			return true
		}
	}
	return false
}
