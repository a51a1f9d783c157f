package store_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// A disk without any room breaks the store at some write of JetStream's own. It says
// so, and what was acknowledged is there when it is opened again.
func TestBroken(t *testing.T) {
	if !scratch.Supported() {
		t.Skip(scratch.ErrUnsupported)
	}
	dir := filepath.Join(t.TempDir(), "disk")
	if err := scratch.Make(dir, 160); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = scratch.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	s, err := store.Open(data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := s.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Storage: jetstream.FileStorage})
	if err != nil {
		t.Fatal(err)
	}
	const messages = 2000
	for n := range messages {
		if _, err := s.JetStream().Publish(t.Context(), fmt.Sprintf("s.%d", n), make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	ballast := fill(t, dir)
	var full *store.FullError
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(messages/2)); !errors.As(err, &full) {
		t.Fatalf("a purge without room: %v", err) // the server would not come back from it
	}
	deleted := map[uint64]bool{}
deleting:
	for n := uint64(1); n < messages; n += 2 { // each is a write that nobody can refuse
		deleted[n] = true
		if stream.DeleteMsg(t.Context(), n) != nil {
			select {
			case <-s.Broken():
			case <-time.After(5 * time.Second):
				t.Error("a delete failed, and the store does not say that it is broken")
			}
			break deleting
		}
	}
	s.Close()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := store.AwaitRoom(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if stream, err = again.JetStream().Stream(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(2)); err != nil {
		t.Errorf("a purge with room: %v", err)
	}
	for n := uint64(1); n <= messages; n++ {
		if _, err := stream.GetMsg(t.Context(), n); err != nil && !deleted[n] {
			t.Fatalf("message %d is gone: %v", n, err)
		}
	}
}

// fill leaves a file system no room, and returns the file that takes it.
func fill(t *testing.T, dir string) string {
	t.Helper()
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = ballast.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	return ballast.Name()
}
