package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// ErrBroken says that a write has failed, of those that JetStream makes by itself and
// that cannot be refused beforehand: it gives up a stream for good then. What was
// acknowledged is on disk. A store that is opened again, with room, has it.
var ErrBroken = errors.New("a write to the engine's data directory has failed")

// broken notices that. The server tells nobody but its log.
type broken struct {
	once     sync.Once
	reported chan struct{}
}

func (b *broken) hear(text string) {
	if strings.Contains(strings.ToLower(text), "critical write error") {
		b.once.Do(func() { close(b.reported) })
	}
}

// Broken is closed once the store is broken. Nothing can be written to it or read from
// it any more.
func (s *Store) Broken() <-chan struct{} { return s.broken.reported }

// roomInterval is how often a disk without room is looked at.
const roomInterval = 100 * time.Millisecond

// AwaitRoom waits until a store in dir can be opened and written to.
func AwaitRoom(ctx context.Context, dir string) error {
	tick := time.NewTicker(roomInterval)
	defer tick.Stop()
	for {
		if free, err := freeBytes(dir); err != nil || free > 2*reserve {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
