package sqs

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/google/uuid"
)

// dedupInterval is how long a FIFO queue recognizes a message that is sent again, in ms.
const dedupInterval = 5 * 60 * 1000

// contentID is the deduplication id of a message that has none of its own.
func contentID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

type dedupKey [16]byte

// key is what two messages have in common of which the second is a duplicate.
func (r rules) key(group, id string) (k dedupKey) {
	if !r.perGroup {
		group = ""
	}
	sum := sha256.Sum256([]byte(group + "\x00" + id))
	copy(k[:], sum[:])
	return k
}

// duplicates are the messages that would be recognized if they were sent again.
type duplicates struct {
	known map[dedupKey]duplicate
	order []dedupKey // as they were sent
}

// duplicate is the message that was sent first.
type duplicate struct {
	id     uuid.UUID
	number uint64
	until  int64  // ms since 1970
	entry  *entry // which gets the number; nil once it has
}

func (d *duplicates) add(k dedupKey, first duplicate, now int64) {
	if first.until > now+dedupInterval { // the clock was ahead
		first.until = now + dedupInterval
	}
	if first.until <= now {
		return
	}
	for len(d.order) > 0 && d.known[d.order[0]].until <= now {
		delete(d.known, d.order[0])
		d.order = d.order[1:]
	}
	if d.known == nil {
		d.known = map[dedupKey]duplicate{}
	}
	if _, ok := d.known[k]; !ok {
		d.order = append(d.order, k)
	}
	d.known[k] = first
}

// find returns the first of two messages.
func (d *duplicates) find(k dedupKey, now int64) (duplicate, bool) {
	first, ok := d.known[k]
	return first, ok && first.until > now
}
