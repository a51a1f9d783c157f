package sqs

import "slices"

// fifo is the order of a FIFO queue. Of each group, messages are handed out as they were
// sent, and none while one before it is in flight, delayed or on its way to or from disk.
type fifo struct {
	groups map[string]*group
	ready  []*group // whose first message is visible
}

// group is the messages of one MessageGroupId.
type group struct {
	name    string
	entries []*entry
	listed  bool // in ready
}

func newFIFO() *fifo { return &fifo{groups: map[string]*group{}} }

// in returns the group of that name.
func (o *fifo) in(name string) *group {
	g := o.groups[name]
	if g == nil {
		g = &group{name: name}
		o.groups[name] = g
	}
	return g
}

// sent puts a message behind all others; one that has a number already, as it is read
// from the journal, where its number says.
func (o *fifo) sent(e *entry) {
	g := e.group
	if o.groups[g.name] != g { // the last message of the group left meanwhile
		o.groups[g.name] = g
	}
	i := len(g.entries)
	for i > 0 && e.number != 0 && g.entries[i-1].number > e.number {
		i--
	}
	g.entries = slices.Insert(g.entries, i, e)
}

func (o *fifo) visible(e *entry) { o.list(e.group) }

func (o *fifo) list(g *group) {
	if !g.listed && len(g.entries) > 0 && g.entries[0].stage == visible {
		g.listed = true
		o.ready = append(o.ready, g)
	}
}

func (o *fifo) left(e *entry) {
	g := e.group
	if i := slices.Index(g.entries, e); i >= 0 {
		g.entries = slices.Delete(g.entries, i, i+1)
	}
	if len(g.entries) == 0 {
		delete(o.groups, g.name)
		return
	}
	o.list(g)
}

// next hands out as many messages of a group as it can before it goes on to another.
func (o *fifo) next(limit int, offer func(*entry) verdict) {
	for len(o.ready) > 0 && limit > 0 {
		g := o.ready[0]
		o.ready[0] = nil
		o.ready = o.ready[1:]
		for i := 0; limit > 0 && i < len(g.entries) && g.entries[i].stage == visible; i++ {
			v := offer(g.entries[i])
			if v != aside {
				limit--
			}
			if v != taken {
				break
			}
		}
		g.listed = false
		o.list(g)
	}
}
