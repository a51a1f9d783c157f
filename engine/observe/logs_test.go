package observe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

func group(name string) observe.Group {
	return observe.Group{Account: "000000000000", Region: "us-east-1", Name: name}
}

func source(function string) observe.Source {
	return observe.Source{Account: "000000000000", Region: "us-east-1", Group: function, Stream: "stream"}
}

// openLogs opens the logs in dir; end ends both them and their store.
func openLogs(t testing.TB, dir string, options ...observe.LogOption) (logs *observe.Logs, end func()) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	logs, err = observe.OpenLogs(t.Context(), s, log, options...)
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	end = func() { once.Do(func() { logs.Close(); s.Close() }) }
	t.Cleanup(end)
	return logs, end
}

func read(t testing.TB, l *observe.Logs, function string, since time.Time) (lines []string) {
	t.Helper()
	err := l.Read(t.Context(), group(function), since, false, func(e observe.Event) error {
		lines = append(lines, e.Message)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Lines come back in the order of each writer, all of them and of one function only.
func TestOrder(t *testing.T) {
	logs, _ := openLogs(t, t.TempDir())
	if got := read(t, logs, "f", time.Time{}); got != nil {
		t.Errorf("a new log has %v", got)
	}
	const writers, lines = 8, 2000 // more than the backlog holds
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range lines {
				logs.Append(source("f"), time.Now(), fmt.Sprintf("%d %d %s", w, i, strings.Repeat("x", 100)))
			}
		})
	}
	logs.Append(source("g"), time.Now(), "other")
	wg.Wait()
	next := map[int]int{}
	for _, line := range read(t, logs, "f", time.Time{}) {
		var w, i int
		if _, err := fmt.Sscanf(line, "%d %d", &w, &i); err != nil {
			t.Fatal(err)
		}
		if next[w] != i {
			t.Fatalf("writer %d: line %d comes where %d should", w, i, next[w])
		}
		next[w]++
	}
	for w := range writers {
		if next[w] != lines {
			t.Errorf("writer %d: %d lines", w, next[w])
		}
	}
	if got := read(t, logs, "g", time.Time{}); len(got) != 1 || got[0] != "other" {
		t.Errorf("the other function's log: %v", got)
	}
}

func TestSince(t *testing.T) {
	logs, _ := openLogs(t, t.TempDir())
	noon := time.Now().Truncate(time.Millisecond)
	logs.Append(source("f"), noon.Add(-time.Millisecond), "before")
	logs.Append(source("f"), noon, "at")
	logs.Append(source("f"), noon.Add(time.Millisecond), "after") // one batch with those before
	if got := read(t, logs, "f", noon); fmt.Sprint(got) != "[at after]" {
		t.Errorf("since noon: %v", got)
	}
	if got := read(t, logs, "f", noon.Add(time.Hour)); got != nil {
		t.Errorf("since later: %v", got)
	}
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	logs, closeLogs := openLogs(t, dir)
	logs.Append(source("f"), time.Now(), "one")
	closeLogs()
	logs.Append(source("f"), time.Now(), "lost") // and does not hang
	logs.Flush()
	logs, _ = openLogs(t, dir)
	logs.Append(source("f"), time.Now(), "two")
	if got := read(t, logs, "f", time.Time{}); fmt.Sprint(got) != "[one two]" {
		t.Errorf("%v", got)
	}
}

// Who follows a log gets what there is and then what comes, until it has enough.
func TestFollow(t *testing.T) {
	logs, _ := openLogs(t, t.TempDir())
	logs.Append(source("f"), time.Now(), "old")
	lines := make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- logs.Read(ctx, group("f"), time.Time{}, true, func(e observe.Event) error {
			lines <- e.Message
			return nil
		})
	}()
	if got := <-lines; got != "old" {
		t.Errorf("%s", got)
	}
	for i := range 3 {
		logs.Append(source("f"), time.Now(), fmt.Sprint(i))
		if got := <-lines; got != fmt.Sprint(i) {
			t.Errorf("%s", got)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	enough := errors.New("enough")
	err := logs.Read(t.Context(), group("f"), time.Time{}, true, func(observe.Event) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

// Readers leave nothing behind, however they end.
func TestReadersLeaveNothing(t *testing.T) {
	s, err := store.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	logs, err := observe.OpenLogs(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(logs.Close)
	read(t, logs, "empty", time.Time{})
	logs.Append(source("f"), time.Now(), "line")
	for range 20 {
		read(t, logs, "f", time.Time{})
	}
	ctx, cancel := context.WithCancel(t.Context())
	_ = logs.Read(ctx, group("f"), time.Time{}, true, func(observe.Event) error {
		cancel()
		return nil
	})
	stream, err := s.JetStream().Stream(t.Context(), "LOGS")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Consumers; n > 0 {
		t.Errorf("%d readers are left", n)
	}
}
