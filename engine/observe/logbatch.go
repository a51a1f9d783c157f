package observe

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// line is an event of a batch.
type line struct {
	time    int64 // Unix milliseconds
	message string
}

// newBatch collects events of one stream.
type newBatch struct{ lines []line }

func (b *newBatch) add(at int64, message string) { b.lines = append(b.lines, line{at, message}) }

// batchVersion begins every batch.
const batchVersion = 1

// encode writes the batch, in the order of time:
//
//	version, number of events, time of the first, time from the first to the last
//	then each event: time since the first, length, message
//
// Times are milliseconds; numbers are varints.
func (b *newBatch) encode() []byte {
	slices.SortStableFunc(b.lines, func(x, y line) int { return cmp.Compare(x.time, y.time) })
	size := 32
	for _, l := range b.lines {
		size += len(l.message) + 12
	}
	first := b.lines[0].time
	raw := append(make([]byte, 0, size), batchVersion)
	raw = binary.AppendUvarint(raw, uint64(len(b.lines)))
	raw = binary.AppendVarint(raw, first)
	raw = binary.AppendUvarint(raw, uint64(b.lines[len(b.lines)-1].time-first))
	for _, l := range b.lines {
		raw = binary.AppendUvarint(raw, uint64(l.time-first))
		raw = binary.AppendUvarint(raw, uint64(len(l.message)))
		raw = append(raw, l.message...)
	}
	return raw
}

var errBatch = errors.New("a batch of log events is damaged")

// batchHead is what can be told of a batch without reading its events.
type batchHead struct {
	count    int
	min, max int64 // Unix milliseconds
}

// reader takes numbers off the front of a batch.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func decodeHead(raw []byte) (batchHead, reader, error) {
	r := reader{rest: raw}
	if r.uvarint() != batchVersion {
		return batchHead{}, r, errBatch
	}
	count, first, span := r.uvarint(), r.varint(), r.uvarint()
	if r.bad || count == 0 || count > uint64(len(raw)) || span > math.MaxInt64/4 || first > math.MaxInt64/4 || first < math.MinInt64/4 {
		return batchHead{}, r, errBatch
	}
	return batchHead{int(count), first, first + int64(span)}, r, nil
}

// decodeBatch reads the events of a batch, which share the memory of one copy of it.
func decodeBatch(raw []byte) ([]line, error) {
	head, r, err := decodeHead(raw)
	if err != nil {
		return nil, err
	}
	lines, text, at := make([]line, 0, head.count), string(r.rest), 0
	for range head.count {
		before := len(r.rest)
		since, size := r.uvarint(), r.uvarint()
		at += before - len(r.rest)
		if r.bad || size > uint64(len(r.rest)) || since > uint64(head.max-head.min) {
			return nil, errBatch
		}
		lines = append(lines, line{head.min + int64(since), text[at : at+int(size)]})
		at += int(size)
		r.rest = r.rest[size:]
	}
	return lines, nil
}
