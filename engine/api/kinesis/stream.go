package kinesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/nats-io/nats.go/jetstream"
)

// document is a stream as it is stored. It is shared and never changes: a change makes
// another one.
type document struct {
	ID        string // of this stream and of none that had its name before
	Account   string
	Region    string
	Name      string
	Created   time.Time // whole milliseconds
	Mode      types.StreamMode
	Retention int32      // hours
	Floor     time.Time  // records of before have expired, when the retention was shorter
	MaxRecord int32      // KiB
	Shards    []shard    // by number, those that are closed too until their records have expired
	Next      int        // number of the next shard
	Consumers []consumer // by name
	Tags      map[string]string
	Policy    string
	Key       string // of KMS
	Metrics   []types.MetricsName
	Warm      *int32 // MiB/s
}

func (d *document) ref() streamRef { return streamRef{d.Account, d.Region, d.Name} }

// retention is how long records can be read.
func (d *document) retention() time.Duration { return time.Duration(d.Retention) * time.Hour }

// What the messages of streams are called in JetStream.
const (
	storePrefix = "KDS_"
	subjectRoot = "kds."
)

// stream is a stream in use.
type stream struct {
	streamRef
	id      string
	created time.Time

	// changing is held for reading while records are put, so that they are in their
	// shards before these can close; and for writing by whoever changes the stream.
	changing sync.RWMutex
	gone     bool // deleted; guarded by changing

	current atomic.Pointer[state]
	last    atomic.Uint64 // the position in JetStream of the newest message
	// unsure says that a message may have been stored that nobody has acknowledged.
	// What is in memory does not tell any more what is in JetStream then.
	unsure atomic.Bool
}

// state is a document, and what is kept in memory about its shards.
type state struct {
	*document
	all  []*liveShard // as Shards
	open []*liveShard // by hash key
}

// liveShard is a shard in use, open or closed.
type liveShard struct {
	*shard
	newest *atomic.Uint64 // no message of it is behind that position, unless the stream is unsure
}

func (st *stream) storeName() string { return storePrefix + st.id }

func (st *stream) subject(shard int) string {
	return subjectRoot + st.id + "." + strconv.Itoa(shard)
}

// newStream returns the stream of a document, none of whose messages is behind last.
func newStream(d *document, last uint64) *stream {
	st := &stream{streamRef: d.ref(), id: d.ID, created: d.Created}
	st.last.Store(last)
	st.install(d)
	return st
}

// install has everybody see a document. The caller is the only one to do so.
func (st *stream) install(d *document) {
	next := &state{document: d}
	before := st.current.Load()
	for i := range d.Shards {
		sh := &liveShard{shard: &d.Shards[i]}
		if known := before.shard(sh.Number); known != nil {
			sh.newest = known.newest
		} else {
			sh.newest = &atomic.Uint64{}
			sh.newest.Store(st.last.Load())
		}
		next.all = append(next.all, sh)
		if sh.Closed == nil {
			next.open = append(next.open, sh)
		}
	}
	slices.SortFunc(next.open, func(a, b *liveShard) int { return a.Low.compare(b.Low) })
	st.current.Store(next)
}

// shard returns the shard of that number, or nil.
func (s *state) shard(number int) *liveShard {
	if s == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(s.all, number, func(sh *liveShard, n int) int { return sh.Number - n })
	if !ok {
		return nil
	}
	return s.all[i]
}

// change stores what edit makes of a copy of the stream's document, and has everybody
// see it. Slices and maps of the copy are shared: edit replaces them. No record is
// being put meanwhile.
func (s *Service) change(ctx context.Context, st *stream, edit func(*document) error) error {
	st.changing.Lock()
	defer st.changing.Unlock()
	if st.gone {
		return st.notFound()
	}
	next := *st.current.Load().document
	if err := edit(&next); err != nil {
		return err
	}
	if err := s.docs.Put(context.WithoutCancel(ctx), st.id, next); err != nil {
		return fmt.Errorf("change stream %s: %w", st.name, err)
	}
	st.install(&next)
	return nil
}

// messages is the JetStream stream of a stream.
func (d *document) messages() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: storePrefix + d.ID, Description: "Kinesis stream " + d.ref().arn(), Subjects: []string{subjectRoot + d.ID + ".>"},
		Storage: jetstream.FileStorage, MaxAge: d.retention(), AllowDirect: true,
	}
}

// load opens the streams of the store, and completes what a crash has left half done:
// a stream's messages are made before its document and deleted after it.
func (s *Service) load(ctx context.Context) error {
	for _, id := range s.docs.Keys() {
		d, _ := s.docs.Get(id)
		messages, err := s.js.Stream(ctx, storePrefix+id)
		if err == nil && messages.CachedInfo().Config.MaxAge != d.retention() {
			messages, err = s.js.UpdateStream(ctx, d.messages())
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", d.Name, err)
		}
		s.add(newStream(&d, messages.CachedInfo().State.LastSeq))
	}
	names := s.js.StreamNames(ctx)
	var left []string
	for name := range names.Name() {
		if id, ok := strings.CutPrefix(name, storePrefix); ok && s.byID[id] == nil {
			left = append(left, name)
		}
	}
	errs := []error{names.Err()}
	for _, name := range left {
		errs = append(errs, s.js.DeleteStream(ctx, name))
	}
	return errors.Join(errs...)
}

func (s *Service) add(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st.streamRef], s.byID[st.id] = st, st
}

func (s *Service) remove(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, st.id)
	if s.streams[st.streamRef] == st {
		delete(s.streams, st.streamRef)
	}
}

// all returns the streams of an account and region by name.
func (s *Service) all(account, region string) []*stream {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*stream
	for r, st := range s.streams {
		if r.account == account && r.region == region {
			found = append(found, st)
		}
	}
	slices.SortFunc(found, func(a, b *stream) int { return strings.Compare(a.name, b.name) })
	return found
}
