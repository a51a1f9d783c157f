package kinesis

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// place is where a record is in its stream: the position of its message in JetStream,
// and which of the message's records it is.
type place struct {
	Position uint64
	Index    uint32 `json:",omitempty"`
}

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.Position, other.Position), cmp.Compare(p.Index, other.Index))
}

func (p place) before(other place) bool { return p.compare(other) < 0 }

// next is the place behind p, if there is any in the message.
func (p place) next() place {
	if p.Index == lastIndex {
		return place{Position: p.Position + 1}
	}
	return place{p.Position, p.Index + 1}
}

// previous is a place so that nothing is between it and p.
func (p place) previous() place {
	switch {
	case p.Index > 0:
		return place{p.Position, p.Index - 1}
	case p.Position > 0:
		return place{p.Position - 1, lastIndex}
	}
	return p
}

const lastIndex = math.MaxUint32

// A sequence number has 56 digits, like AWS's, so that text order is number order:
// a constant, when the stream was created (Unix milliseconds), the record's place, and
// its shard. Numbers of a stream that was deleted and made again are larger than those
// it had before.
const (
	sequencePrefix = "49"
	sequenceDigits = 56
)

func (st *stream) sequenceNumber(p place, shard int) string {
	digits := [sequenceDigits]byte{'4', '9'}
	put := func(from, to int, n uint64) {
		for i := to - 1; i >= from; i-- {
			digits[i], n = byte('0'+n%10), n/10
		}
	}
	put(2, 16, uint64(st.created.UnixMilli()))
	put(16, 36, p.Position)
	put(36, 46, uint64(p.Index))
	put(46, 56, uint64(shard))
	return string(digits[:])
}

// sequence is what a sequence number says.
type sequence struct {
	created time.Time
	place
	shard int
}

func parseSequenceNumber(text string) (s sequence, ok bool) {
	if len(text) != sequenceDigits || !strings.HasPrefix(text, sequencePrefix) {
		return s, false
	}
	get := func(from, to, bits int) uint64 {
		n, err := strconv.ParseUint(text[from:to], 10, bits)
		ok = ok && err == nil
		return n
	}
	ok = true
	s.created = time.UnixMilli(int64(get(2, 16, 63)))
	s.place = place{get(16, 36, 64), uint32(get(36, 46, 32))}
	s.shard = int(get(46, 56, 31))
	return s, ok
}

// locate returns the place that a sequence number means in a shard. One from before the
// stream was made stands before all records.
func (st *stream) locate(number string, shard int) (place, error) {
	s, ok := parseSequenceNumber(number)
	if !ok || s.created.After(st.created) {
		return place{}, invalid("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid because it did not come from this stream.",
			number, shardID(shard), st.name, st.account)
	}
	if s.created.Before(st.created) {
		return place{}, nil
	}
	if s.shard != shard {
		return place{}, invalid("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s", shardID(s.shard), shardID(shard))
	}
	return s.place, nil
}
