package metrics

import (
	"math"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Kind is a metric that an Emitter has values of.
type Kind struct{ Name, Unit string }

// Emitter records values of several metrics under several sets of dimensions at once.
// Emitting neither waits for the disk nor, once a minute has begun, allocates.
type Emitter struct {
	kinds []Kind
	parts []part
}

// part is the sets of dimensions whose series are in one group.
type part struct {
	group *group
	sets  [][]Dimension
	rows  []*series // by kind and set; nil until the first value
}

// Emitter returns an Emitter of metrics of the engine's own. A set without dimensions is
// that of the whole account.
func (m *Store) Emitter(scope catalog.Scope, kinds []Kind, sets ...[]Dimension) *Emitter {
	e := &Emitter{kinds: kinds}
	for _, set := range sets {
		id := ID{Namespace: Namespace, Dimensions: set}.sorted()
		g := m.group(scope, tokenOf(id))
		i := 0
		for i < len(e.parts) && e.parts[i].group != g {
			i++
		}
		if i == len(e.parts) {
			e.parts = append(e.parts, part{group: g})
		}
		e.parts[i].sets = append(e.parts[i].sets, id.Dimensions)
	}
	for i := range e.parts {
		p := &e.parts[i]
		p.rows = make([]*series, len(kinds)*len(p.sets))
	}
	return e
}

// None is the value of a metric that there is none of.
var None = math.NaN()

// Emit records a value of each kind, in their order, but for those that are None and
// those that are left out at the end.
func (e *Emitter) Emit(at time.Time, values ...float64) {
	minute := at.Unix() / 60
	for i := range e.parts {
		e.parts[i].emit(e.kinds, minute, values)
	}
}

func (p *part) emit(kinds []Kind, minute int64, values []float64) {
	p.group.mu.Lock()
	defer p.group.mu.Unlock()
	for k, value := range values {
		if math.IsNaN(value) {
			continue
		}
		for i := range p.sets {
			row := &p.rows[k*len(p.sets)+i]
			if *row == nil || (*row).dropped {
				*row = p.group.lookup(ID{Namespace, kinds[k].Name, kinds[k].Unit, p.sets[i]})
			}
			p.group.touch(*row, minute)
			(*row).at(minute).Add(value, 1)
		}
	}
}
