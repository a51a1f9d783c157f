//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// item is what a record carries: the number of its key. Numbers of a key are put one
// after the other; one whose put was not answered is put again.
type item struct {
	Key    string
	N      int
	Poison bool `json:",omitempty"` // no function ever handles it
}

// handling is what a function tells: the records that it has just handled, in order.
type handling struct {
	Function, Source string
	Items            []item
}

// course is what becomes of the records of a source on one way to a function.
type course struct {
	name    string
	ordered bool // by key
	stream  bool // the records have sequence numbers
	single  bool // batches are given up in pieces of one record

	mu       sync.Mutex
	acked    map[item]place
	handled  map[item]int
	newest   map[string]int // by key, the highest number that was handled
	given    map[item]bool  // messages that are dead
	ranges   []batch        // records that were given up
	problems []string
}

// place is where the record of an item is in a stream.
type place struct{ shard, sequence string }

// batch is a range of records that were given up.
type batch struct {
	shard, first, last string
	size               int
}

func newCourse(name string) *course {
	return &course{name: name, ordered: true, acked: map[item]place{}, handled: map[item]int{}, newest: map[string]int{}, given: map[item]bool{}}
}

// ack says that a record was taken.
func (c *course) ack(i item, at place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked[i] = at
}

// handle takes what a function has handled. The first handlings of a key's numbers must
// come in their order: what has not been handled before a higher number was may only
// have been given up.
func (c *course) handle(items []item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range items {
		if i.Poison {
			c.problems = append(c.problems, fmt.Sprintf("%v was handled", i))
		}
		c.handled[i]++
		if c.handled[i] > 1 {
			continue
		}
		if newest := c.newest[i.Key]; c.ordered && i.N < newest {
			c.problems = append(c.problems, fmt.Sprintf("%s %d was handled for the first time behind %d", i.Key, i.N, newest))
		}
		c.newest[i.Key] = max(c.newest[i.Key], i.N)
	}
}

// giveUp takes a range of records that a message at the destination names.
func (c *course) giveUp(b batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.single && (b.size != 1 || b.first != b.last) {
		c.problems = append(c.problems, fmt.Sprintf("%d records were given up at once: %+v", b.size, b))
	}
	c.ranges = append(c.ranges, b)
}

// bury takes a message of the dead-letter queue.
func (c *course) bury(i item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given[i] = true
}

// resolve finds the items that the ranges name. The caller holds the lock.
func (c *course) resolve() {
	byShard := map[string][]item{}
	for i, at := range c.acked {
		byShard[at.shard] = append(byShard[at.shard], i)
	}
	for shard, items := range byShard {
		slices.SortFunc(items, func(a, b item) int { return strings.Compare(c.acked[a].sequence, c.acked[b].sequence) })
		for _, b := range c.ranges {
			if b.shard != shard {
				continue
			}
			n := 0
			from, _ := slices.BinarySearchFunc(items, b.first, func(i item, first string) int { return strings.Compare(c.acked[i].sequence, first) })
			for _, i := range items[from:] {
				if c.acked[i].sequence > b.last {
					break
				}
				c.given[i] = true
				n++
			}
			if n > b.size {
				c.problems = append(c.problems, fmt.Sprintf("a message names %d records and says that they are %d: %+v", n, b.size, b))
			}
		}
	}
	c.ranges = nil
}

// missing lists what was acknowledged, and neither handled nor given up.
func (c *course) missing() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resolve()
	for i, at := range c.acked {
		if c.handled[i] == 0 && !c.given[i] {
			all = append(all, fmt.Sprintf("%s: %v lost, of %v", c.name, i, at))
		}
	}
	slices.Sort(all)
	return all
}

// violations are what was found wrong on the way.
func (c *course) violations() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.problems {
		all = append(all, c.name+": "+p)
	}
	return all
}

// count tells what has become of the records.
func (c *course) count() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	again, poison := 0, 0
	for _, n := range c.handled {
		again += n - 1
	}
	for i := range c.given {
		if i.Poison {
			poison++
		}
	}
	return fmt.Sprintf("%s: %d records, %d handled, %d times once more, %d given up, of which %d were poison", c.name, len(c.acked), len(c.handled), again, len(c.given), poison)
}
