package docker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// maxKinds bounds for how many images containers are kept ready.
const maxKinds = 6

// maxCreating bounds how many containers are created at once: more only make
// each other slow.
const maxCreating = 4

// pool keeps started, unassigned containers for the images in use.
type pool struct {
	driver   *Driver
	ctx      context.Context // of background work; ended by close
	cancel   context.CancelFunc
	creating chan struct{}
	worked   atomic.Bool // a container has reached the engine

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
	kinds  map[kind]*shelf
}

// shelf holds the spares of one kind.
type shelf struct {
	image   string // as people call it
	spares  []*container
	coming  int               // being created
	waiting []chan *container // who gets the next ones
	touched time.Time
	evicted bool
}

func newPool(d *Driver) *pool {
	ctx, cancel := context.WithCancel(context.Background())
	return &pool{driver: d, ctx: ctx, cancel: cancel, creating: make(chan struct{}, maxCreating), kinds: map[kind]*shelf{}}
}

// take returns a spare container, one that is on its way to be a spare, or a new
// one, whichever is there first.
func (p *pool) take(ctx context.Context, k kind, l limits) (*container, error) {
	c, shelf, coming := p.claim(k)
	if coming != nil {
		select {
		case c = <-coming:
		case <-ctx.Done():
			p.unclaim(shelf, coming)
			return nil, ctx.Err()
		}
	}
	if c != nil {
		return c, nil
	}
	return p.create(ctx, k, l)
}

// claim takes a spare, or the promise of the next one that nobody waits for yet.
func (p *pool) claim(k kind) (*container, *shelf, chan *container) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.kinds[k]
	if s == nil {
		return nil, nil, nil
	}
	for len(s.spares) > 0 {
		c := s.spares[0]
		s.spares = s.spares[1:]
		select {
		case <-c.Done(): // somebody else has removed it
			if !p.closed {
				p.wg.Go(func() { p.discard(c) })
			}
		default:
			return c, nil, nil
		}
	}
	if s.coming <= len(s.waiting) {
		return nil, nil, nil
	}
	coming := make(chan *container, 1)
	s.waiting = append(s.waiting, coming)
	return nil, s, coming
}

// unclaim gives up a promise; if it has just been kept, the container stays a spare.
func (p *pool) unclaim(s *shelf, coming chan *container) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(w chan *container) bool { return w == coming })
	select {
	case c := <-coming:
		if c != nil && !p.closed && !s.evicted {
			s.spares = append(s.spares, c)
		} else if c != nil {
			_ = c.remove(context.WithoutCancel(p.ctx))
		}
	default:
	}
}

func (p *pool) create(ctx context.Context, k kind, l limits) (*container, error) {
	select {
	case p.creating <- struct{}{}:
		defer func() { <-p.creating }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return p.driver.create(ctx, k, l)
}

// refill makes spares of this kind in the background, with the limits that were
// wanted last: most often those of the next start, which then need not be set.
func (p *pool) refill(k kind, l limits, image string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.kinds[k]
	if s == nil {
		s = &shelf{image: image}
		p.kinds[k] = s
	}
	s.touched = time.Now()
	p.evict()
	for !p.closed && len(s.spares)+s.coming < p.driver.options.Spares {
		s.coming++
		p.wg.Go(func() { p.fill(k, s, l) })
	}
}

func (p *pool) fill(k kind, s *shelf, l limits) {
	c, err := p.create(p.ctx, k, l)
	if err != nil && p.ctx.Err() == nil {
		p.driver.logger.Warn("cannot keep a container ready", "image", k.image, "error", err)
	}
	p.mu.Lock()
	s.coming--
	switch {
	case len(s.waiting) > 0: // with nil, the one who waits creates one
		s.waiting[0] <- c
		s.waiting = s.waiting[1:]
		c = nil
	case c != nil && !p.closed && !s.evicted:
		s.spares = append(s.spares, c)
		c = nil
	}
	p.mu.Unlock()
	if c != nil {
		p.discard(c)
	}
}

// evict gives up the spares of the image that has not been used for longest,
// when there are too many.
func (p *pool) evict() {
	if len(p.kinds) <= maxKinds {
		return
	}
	var oldest kind
	for k, s := range p.kinds {
		if o := p.kinds[oldest]; o == nil || s.touched.Before(o.touched) {
			oldest = k
		}
	}
	for _, c := range p.kinds[oldest].spares {
		p.wg.Go(func() { p.discard(c) })
	}
	p.kinds[oldest].evicted = true
	delete(p.kinds, oldest)
}

func (p *pool) discard(c *container) {
	if err := c.remove(context.WithoutCancel(p.ctx)); err != nil {
		p.driver.logger.Warn("cannot remove a spare container", "error", err)
	}
}

// Pool implements sandbox.PoolDriver.
func (d *Driver) Pool() []sandbox.Spares {
	p := d.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	same := map[sandbox.Spares]*sandbox.Spares{} // kinds that differ in where code goes look the same
	for k, s := range p.kinds {
		key := sandbox.Spares{Image: s.image, TmpMB: k.tmpMB}
		if same[key] == nil {
			same[key] = &sandbox.Spares{Image: s.image, TmpMB: k.tmpMB}
		}
		same[key].Ready += len(s.spares)
		same[key].Coming += s.coming
	}
	var all []sandbox.Spares
	for _, row := range same {
		all = append(all, *row)
	}
	slices.SortFunc(all, func(a, b sandbox.Spares) int {
		return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.TmpMB, b.TmpMB))
	})
	return all
}

// work runs something in the background that close waits for.
func (p *pool) work(f func(ctx context.Context)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.wg.Go(func() { f(p.ctx) })
	}
}

// close removes the spares.
func (p *pool) close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.cancel()
	var spares []*container
	for _, s := range p.kinds {
		spares = append(spares, s.spares...)
	}
	p.kinds = map[kind]*shelf{}
	p.mu.Unlock()
	p.wg.Wait()
	errs := make([]error, len(spares))
	var wg sync.WaitGroup
	for i, c := range spares {
		wg.Go(func() { errs[i] = c.remove(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
