package sources

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/sources/filter"
)

// stream is a source of ordered shards: a Kinesis stream, one of its consumers, or a
// DynamoDB stream.
type stream interface {
	// shards lists all shards, those that have been closed too.
	shards(ctx context.Context) ([]shard, error)
	// open begins to read a shard. errTrimmed says that the position is no more.
	open(ctx context.Context, id string, at position) (cursor, error)
	// pushes tells whether a read waits until there is something.
	pushes() bool
	// retention is how long records are kept, as far as is known.
	retention() time.Duration
}

// cursor reads a shard from one place on.
type cursor interface {
	// read returns what follows, perhaps nothing; at most limit records as a rule.
	read(ctx context.Context, limit int) (page, error)
	close()
}

type shard struct {
	id      string
	parents []string
	start   string // its first sequence number, which tells it from one of a stream of before; may be empty
}

// page is what one read has found.
type page struct {
	records []record
	end     bool          // nothing will ever follow: the shard is closed
	behind  time.Duration // from the tip of the shard
}

// record is one record of a shard.
type record struct {
	sequence string
	key      string          // records of one key stay in order
	arrival  time.Time       // by the source's clock
	aged     time.Time       // the same by the manager's, which may run faster
	event    json.RawMessage // what the function gets of it
	passes   func(*filter.Filter) bool
}

// position is a place in a shard: behind a record, or where a mapping begins.
type position struct {
	after string // sequence number; if empty,
	start types.EventSourcePosition
	at    time.Time
}

var (
	// errExpired says that a cursor was not used for too long.
	errExpired = errors.New("the shard iterator has expired")
	// errTrimmed says that a position lies before the oldest record that there is.
	errTrimmed = errors.New("the position has been trimmed")
)

// after tells whether the sequence number a comes behind b. They are decimal numbers
// of any length; an empty one comes before all.
func after(a, b string) bool {
	a, b = significant(a), significant(b)
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

func significant(number string) string {
	for len(number) > 0 && number[0] == '0' {
		number = number[1:]
	}
	return number
}
