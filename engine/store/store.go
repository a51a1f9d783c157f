// Package store keeps everything that must survive a crash in an embedded NATS
// JetStream server: documents in key-value buckets (Table), code packages in an
// object store (Packages), and streams for queues, logs and local event sources.
//
// Every acknowledged write has been synced to disk, unless a stream asks for
// asynchronous persistence.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTimeout bounds how long the embedded server may take to recover its streams.
const startTimeout = 60 * time.Second

// writeTimeout bounds one operation whose context has no deadline. The disk may be
// busy with others for a while.
const writeTimeout = 30 * time.Second

// Store is an open JetStream server of this process. No other process may have
// the same directory open.
type Store struct {
	dir    string
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	broken *broken
	closed chan struct{}
	tasks  sync.WaitGroup
}

// Open starts the embedded server on dir, which is created when missing.
func Open(dir string, log *slog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create store directory: %w", err)
	}
	if free, err := freeBytes(dir); err == nil && free < documentReserve {
		return nil, fmt.Errorf("open the store: %w", &FullError{Dir: dir, Free: free})
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "engine",
		DontListen: true,
		JetStream:  true,
		StoreDir:   filepath.Clean(dir),
		SyncAlways: true,
		NoSigs:     true,
		MaxPayload: 12 << 20, // a Kinesis record of 10 MB, or an asynchronous event of 6 MB, and their envelopes

		JetStreamMaxMemory: 64 << 20,
		JetStreamMaxStore:  1 << 40, // streams carry their own limits
		// The queue of events has a consumer for each function; the default is 1,000.
		JetStreamLimits: server.JSLimitOpts{DefaultMaxConsumers: -1},
	})
	if err != nil {
		return nil, fmt.Errorf("configure embedded JetStream: %w", err)
	}
	broken := &broken{reported: make(chan struct{})}
	srv.SetLoggerV2(serverLogger{log, broken}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		srv.Shutdown()
		return nil, errors.New("embedded JetStream did not start: see the engine's log")
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv), nats.MaxReconnects(-1))
	if err != nil {
		srv.Shutdown()
		return nil, fmt.Errorf("connect to embedded JetStream: %w", err)
	}
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(writeTimeout))
	if err != nil {
		conn.Close()
		srv.Shutdown()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	s := &Store{dir: filepath.Clean(dir), server: srv, conn: conn, js: js, broken: broken, closed: make(chan struct{})}
	s.tasks.Go(func() {
		select {
		case <-broken.reported: // whoever waits for an answer would wait long
			conn.Close()
		case <-s.closed:
		}
	})
	return s, nil
}

// JetStream gives access to streams and consumers. What publishes a message through
// it gets a FullError when the disk has no room for it.
func (s *Store) JetStream() jetstream.JetStream { return guarded{s.js, s} }

// Close flushes and stops the embedded server.
func (s *Store) Close() {
	close(s.closed)
	s.tasks.Wait()
	s.conn.Close()
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// bucket opens or creates a key-value bucket that keeps only the newest value of a key.
func (s *Store) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	kv, err := s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:       name,
		History:      1,
		Storage:      jetstream.FileStorage,
		MaxValueSize: 4 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	return kv, nil
}

// serverLogger passes what the embedded server has to say on to slog.
type serverLogger struct {
	log    *slog.Logger
	broken *broken
}

func (l serverLogger) Noticef(string, ...any) {}
func (l serverLogger) Debugf(string, ...any)  {}
func (l serverLogger) Tracef(string, ...any)  {}
func (l serverLogger) Warnf(f string, args ...any) {
	l.log.Debug("jetstream: " + fmt.Sprintf(f, args...))
}

func (l serverLogger) Errorf(f string, args ...any) {
	text := fmt.Sprintf(f, args...)
	l.log.Error("jetstream: " + text)
	l.broken.hear(text)
}

func (l serverLogger) Fatalf(f string, args ...any) {
	l.log.Error("jetstream: " + fmt.Sprintf(f, args...))
}
