package sqs

// standard is the order of a standard queue: whatever became visible first is first.
// Messages that have gone meanwhile are skipped when it is their turn.
type standard struct {
	ready []*entry
}

func (o *standard) sent(*entry) {}
func (o *standard) left(*entry) {}

func (o *standard) visible(e *entry) {
	if !e.listed {
		e.listed = true
		o.ready = append(o.ready, e)
	}
}

func (o *standard) next(limit int, offer func(*entry) verdict) {
	for len(o.ready) > 0 && limit > 0 {
		e := o.ready[0]
		o.ready[0] = nil
		o.ready = o.ready[1:]
		e.listed = false
		if e.stage == visible && offer(e) != aside {
			limit--
		}
	}
}
