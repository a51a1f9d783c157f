package kinesis

import "sync"

// Watch returns a channel that gets a value after records were put on a stream, after
// it was resharded, and when it is deleted, so that its readers need not poll. Values do
// not queue up. The caller calls stop when it is done.
func (s *Service) Watch(streamARN string) (changed <-chan struct{}, stop func(), err error) {
	r, err := parseARN(streamARN)
	if err != nil {
		return nil, nil, err
	}
	ch := make(chan struct{}, 1)
	s.watchers.add(r, ch)
	return ch, func() { s.watchers.remove(r, ch) }, nil
}

// watchers are those who wait for news of streams. One that nobody watches, or that has
// no news, costs nothing.
type watchers struct {
	mu sync.RWMutex
	of map[streamRef]map[chan struct{}]struct{}
}

func (w *watchers) add(r streamRef, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[streamRef]map[chan struct{}]struct{}{}
	}
	if w.of[r] == nil {
		w.of[r] = map[chan struct{}]struct{}{}
	}
	w.of[r][ch] = struct{}{}
}

func (w *watchers) remove(r streamRef, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.of[r], ch)
	if len(w.of[r]) == 0 {
		delete(w.of, r)
	}
}

// announce tells that there is news.
func (w *watchers) announce(r streamRef) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for ch := range w.of[r] {
		select {
		case ch <- struct{}{}:
		default: // it has been told and has not looked yet
		}
	}
}
