package sqs

import "sync"

// recentBytes is how much of what was sent last is kept in memory.
const recentBytes = 16 << 20

// recent keeps the packs that were sent last, which are those that will be received next
// where senders and receivers keep pace.
type recent struct {
	mu    sync.Mutex
	packs []*pack
	bytes int64
}

func (r *recent) keep(p *pack, record []byte) {
	p.data.Store(&record)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packs = append(r.packs, p)
	r.bytes += p.size
	for r.bytes > recentBytes {
		r.bytes -= r.packs[0].size
		r.packs[0].data.Store(nil)
		r.packs[0] = nil
		r.packs = r.packs[1:]
	}
}
