package sqs

import (
	"encoding/binary"
	"errors"

	"github.com/google/uuid"
)

// The kinds of records in a journal, told by their first byte.
const (
	recordMessages byte = 1 // a pack: messages that came, or moved, together
	recordDeleted  byte = 2 // numbers of messages that are gone
	recordPurged   byte = 3 // the number up to which all messages are gone
	recordStates   byte = 4 // counts and visibility of messages
	recordSeveral  byte = 5 // records that went to the disk together
)

// message is what is kept of a message.
type message struct {
	number uint64 // 0 in a record that gives it its number
	state
	id     uuid.UUID
	sent   int64 // ms since 1970
	sender string
	group  string
	dedup  string // MessageDeduplicationId
	trace  string
	source string // ARN of the queue that it was a dead letter of
	attrs  []attribute
	body   string
}

// state is what changes of a message.
type state struct {
	due   int64 // ms since 1970 at which it becomes visible
	first int64 // ms since 1970 of the first receive; 0: none yet
	count uint32
}

// attribute is a message attribute.
type attribute struct {
	name, kind string
	value      []byte
	binary     bool
}

var errRecord = errors.New("damaged record")

// slotBits is how many bits of a message's number are its place among those that went to
// the disk together.
const slotBits = 10

// number of the message in a place of what the journal has at seq.
func numberOf(seq uint64, slot int) uint64 { return seq<<slotBits | uint64(slot) }

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// append writes the message as a pack holds it.
func (m *message) append(b []byte) []byte {
	b = binary.AppendUvarint(b, m.number)
	b = m.state.append(b)
	b = append(b, m.id[:]...)
	b = binary.AppendVarint(b, m.sent)
	for _, text := range []string{m.sender, m.group, m.dedup, m.trace, m.source} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(m.attrs)))
	for _, a := range m.attrs {
		b = appendText(appendText(b, a.name), a.kind)
		b = binary.AppendUvarint(b, uint64(len(a.value)))
		b = append(b, a.value...)
		if a.binary {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return appendText(b, m.body)
}

func (s state) append(b []byte) []byte {
	b = binary.AppendVarint(b, s.due)
	b = binary.AppendVarint(b, s.first)
	return binary.AppendUvarint(b, uint64(s.count))
}

// appendPack writes a pack of encoded messages.
func appendPack(messages [][]byte) []byte {
	size := 16
	for _, m := range messages {
		size += len(m) + 4
	}
	b := append(make([]byte, 0, size), recordMessages)
	b = binary.AppendUvarint(b, uint64(len(messages)))
	for _, m := range messages {
		b = binary.AppendUvarint(b, uint64(len(m)))
		b = append(b, m...)
	}
	return b
}

// join makes one record of several, and split takes it apart.
func join(records [][]byte) []byte {
	if len(records) == 1 {
		return records[0]
	}
	b := []byte{recordSeveral}
	for _, r := range records {
		b = binary.AppendUvarint(b, uint64(len(r)))
		b = append(b, r...)
	}
	return b
}

func split(record []byte) (records [][]byte, err error) {
	if len(record) == 0 || record[0] != recordSeveral {
		return [][]byte{record}, nil
	}
	r := &reader{b: record[1:]}
	for len(r.b) > 0 {
		records = append(records, r.bytes(r.uint()))
	}
	return records, r.err
}

func deletion(numbers []uint64) []byte {
	b := binary.AppendUvarint([]byte{recordDeleted}, uint64(len(numbers)))
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// reader takes a record apart. Once something is wrong, all is empty.
type reader struct {
	b   []byte
	err error
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	return advance(r, v, n)
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	return advance(r, v, n)
}

func advance[T uint64 | int64](r *reader, v T, n int) T {
	if n <= 0 {
		r.b, r.err = nil, errRecord
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.err = nil, errRecord
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) text() string { return string(r.bytes(r.uint())) }

func (r *reader) state() state {
	return state{due: r.int(), first: r.int(), count: uint32(r.uint())}
}

// count reads how many items follow, which have a byte each at least.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.b, r.err = nil, errRecord
		return 0
	}
	return int(n)
}

// message reads a message; without its attributes and body unless they are asked for.
func (r *reader) message(whole bool) *message {
	m := &message{number: r.uint(), state: r.state()}
	copy(m.id[:], r.bytes(16))
	m.sent = r.int()
	if !whole {
		r.bytes(r.uint()) // who sent it
		m.group, m.dedup = r.text(), r.text()
		r.bytes(r.uint())
		m.source = r.text()
		return m
	}
	m.sender, m.group, m.dedup, m.trace, m.source = r.text(), r.text(), r.text(), r.text(), r.text()
	for range r.count() {
		a := attribute{name: r.text(), kind: r.text()}
		a.value = r.bytes(r.uint())
		if flag := r.bytes(1); len(flag) == 1 {
			a.binary = flag[0] == 1
		}
		m.attrs = append(m.attrs, a)
	}
	m.body = r.text()
	return m
}

// readPack returns the encoded messages of a pack.
func readPack(record []byte) ([][]byte, error) {
	if len(record) == 0 || record[0] != recordMessages {
		return nil, errRecord
	}
	r := &reader{b: record[1:]}
	messages := make([][]byte, r.count())
	for i := range messages {
		messages[i] = r.bytes(r.uint())
	}
	return messages, r.err
}
