// Package sqs is a local Amazon SQS: standard and FIFO queues with everything that AWS's
// API offers, over today's protocol and the older one of forms.
//
//	service.go     finds the queue that a request names
//	queues.go      create, list, purge and delete queues; tags
//	attributes.go  what a queue's attributes may be, and which it shows
//	permissions.go who may use a queue of another account
//	send.go        SendMessage, SendMessageBatch      message.go  what a message may be
//	receive.go     ReceiveMessage                     wait.go     long polling
//	delete.go      DeleteMessage, DeleteMessageBatch  handle.go   receipt handles
//	visibility.go  ChangeMessageVisibility
//	redrive.go     what has been received too often   move.go     message move tasks
//	queue.go       the index of a queue: what is visible, delayed, in flight
//	standard.go    fifo.go   in which order messages are handed out
//	journal.go     write.go   record.go   load.go   how a queue is on disk
//	tend.go        what needs not be done at once     compact.go
//
// A queue is a journal, which is a JetStream stream, and an index of it in memory. The
// journal gets a record for each send and each deletion, whole batches in one, which is
// on disk before the request is answered. Receive counts and visibility follow within a
// quarter of a second, for messages that are still there then. What is in front of the
// oldest message that is still there is cut off; if that one stays for long, it is moved
// to the end. Bodies stay on disk.
//
// A queue belongs to one engine: no other may serve it at the same time. It is read when
// it is first used; messages that are too old go when it is next used.
//
// Other than on AWS, a queue's name can be used again at once when it was deleted, and a
// queue can be purged as often as anybody likes.
package sqs

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Options is what a Service needs. Store is required.
type Options struct {
	Store *store.Store
	// Clock measures delays, visibility, retention and the time in which duplicates are
	// recognized; default the system's.
	Clock clock.Clock
	// Stopping ends with the engine: nobody waits for messages any longer.
	Stopping context.Context
	Log      *slog.Logger // default none
}

// Service implements the operations of SQS over the SDK's types. It must be closed.
type Service struct {
	js    jetstream.JetStream
	docs  *store.Table[document]
	clock clock.Clock
	log   *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	tend   tender
	moves  moves
	recent recent

	changing sync.Mutex // held while queues come and go
	mu       sync.RWMutex
	queues   map[ref]*queue
}

// New opens the queues of a store. Each is read when it is first used.
func New(ctx context.Context, o Options) (*Service, error) {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.Stopping == nil {
		o.Stopping = context.Background()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	docs, err := store.OpenTable[document](ctx, o.Store, "queues", nil)
	if err != nil {
		return nil, err
	}
	s := &Service{
		js: o.Store.JetStream(), docs: docs, clock: o.Clock, log: o.Log, queues: map[ref]*queue{},
		tend: newTender(), moves: moves{tasks: map[string]*moveTask{}},
	}
	s.ctx, s.cancel = context.WithCancel(o.Stopping)
	for _, d := range docs.All() {
		q, err := s.newQueue(d)
		if err != nil {
			docs.Close()
			return nil, err
		}
		s.queues[q.ref] = q
	}
	if err := s.sweep(ctx); err != nil {
		docs.Close()
		return nil, err
	}
	s.tasks.Go(s.run)
	return s, nil
}

// Close ends what waits for messages, and writes what is not on disk yet.
func (s *Service) Close() {
	s.cancel()
	s.tasks.Wait()
	s.docs.Close()
}

// queuePath is the path of a queue's URL.
var queuePath = regexp.MustCompile(`^/(\d{12})/([\w-]{1,80}(?:\.fifo)?)/?$`)

// Wire binds the operations to the model, for wire.NewServer.
func (s *Service) Wire() (*wire.Service, error) {
	model, err := wire.LoadModel("sqs")
	if err != nil {
		return nil, err
	}
	return wire.NewService(model, s, wire.WithMissing("MissingRequiredParameterException"), wire.WithResource("QueueUrl", queuePath))
}

// ref names a queue.
type ref struct{ account, region, name string }

func (r ref) arn() string      { return "arn:aws:sqs:" + r.region + ":" + r.account + ":" + r.name }
func (r ref) key() string      { return r.account + "/" + r.region + "/" + r.name }
func (r ref) fifo() bool       { return strings.HasSuffix(r.name, ".fifo") }
func (r ref) scope() [2]string { return [2]string{r.account, r.region} }

// url is where the caller finds the queue.
func (r ref) url(caller wire.Caller) *string {
	return aws.String("http://" + caller.Host + "/" + r.account + "/" + r.name)
}

func parseARN(arn string) (ref, bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[3] == "" || parts[4] == "" || parts[5] == "" {
		return ref{}, false
	}
	return ref{account: parts[4], region: parts[3], name: parts[5]}, true
}

// at returns the queue of that name, or nil.
func (s *Service) at(r ref) *queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[r]
}

// find returns the queue of a URL, ready for use by the caller. Hosts do not matter: a
// function knows the engine by another than a script does.
func (s *Service) find(ctx context.Context, queueURL *string) (*queue, error) {
	caller := wire.CallerFrom(ctx)
	u, err := url.Parse(aws.ToString(queueURL))
	if err != nil {
		return nil, badAddress(queueURL)
	}
	path := queuePath.FindStringSubmatch(u.Path)
	if path == nil {
		return nil, badAddress(queueURL)
	}
	return s.open(ctx, ref{account: path[1], region: caller.Region, name: path[2]})
}

// open makes a queue ready for use by the caller.
func (s *Service) open(ctx context.Context, r ref) (*queue, error) {
	q := s.at(r)
	if q == nil {
		return nil, errNoQueue
	}
	if err := q.permits(wire.CallerFrom(ctx)); err != nil {
		return nil, err
	}
	if err := q.load(ctx); err != nil {
		return nil, err
	}
	return q, nil
}

func badAddress(queueURL *string) error {
	return &types.InvalidAddress{Message: aws.String(fmt.Sprintf("The address %s is not valid for this endpoint.", aws.ToString(queueURL)))}
}

var errNoQueue = &types.QueueDoesNotExist{Message: aws.String("The specified queue does not exist.")}

func invalid(format string, args ...any) error {
	return &wire.Error{Code: "InvalidParameterValueException", Status: 400, Message: fmt.Sprintf(format, args...)}
}

func invalidValue(value any, parameter, reason string, args ...any) error {
	return invalid("Value %v for parameter %s is invalid. Reason: %s", value, parameter, fmt.Sprintf(reason, args...))
}

func missing(parameter string) error {
	return &wire.Error{Code: "MissingRequiredParameterException", Status: 400, Message: "The request must contain the parameter " + parameter + "."}
}

// millis is a time as the package keeps it.
func (s *Service) millis() int64 { return s.clock.Now().UnixMilli() }

func seconds[T int32 | int64 | int](n T) int64 { return int64(n) * int64(time.Second/time.Millisecond) }
