package store

import (
	"context"
	"fmt"

	"github.com/aws/smithy-go"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What must stay free of the disk, in bytes. JetStream gives up a stream for good when
// a write fails, so the last of the disk is for what it writes by itself, and the last
// but one for documents: there must be room to delete things.
const (
	reserve         = 32 << 20
	documentReserve = 8 << 20
)

// room refuses a write that would leave less than so much of the disk.
func (s *Store) room(size, left int64) error {
	free, err := freeBytes(s.dir)
	if err == nil && free-size < left {
		return &FullError{Dir: s.dir, Free: free}
	}
	return nil
}

// Room returns a FullError when there is no room for so many bytes of data.
func (s *Store) Room(size int) error { return s.room(int64(size), reserve) }

// FullError says that there is no room for a write.
type FullError struct {
	Dir  string
	Free int64 // bytes
}

func (e *FullError) Error() string { return e.ErrorMessage() }

// ErrorCode makes it, with ErrorMessage and ErrorFault, an error that clients see as it is.
func (e *FullError) ErrorCode() string { return "ServiceException" }

// ErrorMessage says what to do.
func (e *FullError) ErrorMessage() string {
	return fmt.Sprintf("The disk of the engine's data directory is almost full: %d MB are free in %s. Free some space there.", e.Free>>20, e.Dir)
}

// ErrorFault is that of the service.
func (e *FullError) ErrorFault() smithy.ErrorFault { return smithy.FaultServer }

// guarded refuses messages that there is no room for, and purges.
type guarded struct {
	jetstream.JetStream
	store *Store
}

// guardedStream refuses purges as long as the disk has no room: they write too, and
// nats-server 2.15 waits for itself for ever, with the whole stream, when a write fails
// within one (fileStore.compactLocked, flushPendingMsgs, rebuildState).
type guardedStream struct {
	jetstream.Stream
	store *Store
}

func (s guardedStream) Purge(ctx context.Context, opts ...jetstream.StreamPurgeOpt) error {
	if err := s.store.Room(0); err != nil {
		return err
	}
	return s.Stream.Purge(ctx, opts...)
}

func (g guarded) stream(s jetstream.Stream, err error) (jetstream.Stream, error) {
	if err != nil {
		return nil, err
	}
	return guardedStream{s, g.store}, nil
}

func (g guarded) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	return g.stream(g.JetStream.Stream(ctx, name))
}

func (g guarded) CreateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return g.stream(g.JetStream.CreateStream(ctx, c))
}

func (g guarded) CreateOrUpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return g.stream(g.JetStream.CreateOrUpdateStream(ctx, c))
}

func (g guarded) Publish(ctx context.Context, subject string, payload []byte, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := g.store.Room(len(payload)); err != nil {
		return nil, err
	}
	return g.JetStream.Publish(ctx, subject, payload, opts...)
}

func (g guarded) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := g.store.Room(len(msg.Data)); err != nil {
		return nil, err
	}
	return g.JetStream.PublishMsg(ctx, msg, opts...)
}

func (g guarded) PublishMsgAsync(msg *nats.Msg, opts ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	if err := g.store.Room(len(msg.Data)); err != nil {
		return nil, err
	}
	return g.JetStream.PublishMsgAsync(msg, opts...)
}
