package invoke

import (
	"context"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/exposition"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
)

// meter tells what becomes of calls and events as metrics of AWS/Lambda, by the rules of
// spec usecases §1.3: each request has an Errors of 0 or 1 and a Throttles of 0 or 1;
// one that has run the function has an Invocations of 1 and a Duration too; one that the
// engine itself has failed has nothing. Each attempt at an asynchronous event is a
// request of its own.
type meter struct {
	store *metrics.Store // nil: nothing is kept
	shown *exposition.Exposition
	guide bool // tell no more than the guide of 2016 did

	mu      sync.RWMutex
	callees map[callee]*calleeMeter
}

// callee is what a call names and the version that it is about.
type callee struct {
	ref     catalog.Ref
	version string // empty of events, which have none yet
}

type calleeMeter struct {
	calls, events, load *metrics.Emitter
	shown               *exposition.Function
}

// maxCallees bounds what is remembered of callees; beyond it all is looked up anew.
const maxCallees = 10000

// The metrics of a call, in the order that Emit takes their values in.
var callKinds = []metrics.Kind{
	{Name: "Invocations", Unit: count},
	{Name: "Errors", Unit: count},
	{Name: "Throttles", Unit: count},
	{Name: "Duration", Unit: milli},
	{Name: "PostRuntimeExtensionsDuration", Unit: milli},
	{Name: "ProvisionedConcurrencyInvocations", Unit: count},
	{Name: "ProvisionedConcurrencySpilloverInvocations", Unit: count},
}

// guideKinds is how many of them are the guide's.
const guideKinds = 4

// Units, as CloudWatch spells them.
const (
	count = "Count"
	milli = "Milliseconds"
	none  = "None"
)

// eventMetric is a metric of what leads to calls.
type eventMetric int

const (
	asyncEventsReceived eventMetric = iota
	asyncEventAge
	asyncEventsDropped
	deadLetterErrors
	destinationDeliveryFailures
	iteratorAge
	recursionsDropped
)

var eventKinds = []metrics.Kind{
	asyncEventsReceived:         {Name: MetricEventsReceived, Unit: count},
	asyncEventAge:               {Name: MetricEventAge, Unit: milli},
	asyncEventsDropped:          {Name: MetricEventsDropped, Unit: count},
	deadLetterErrors:            {Name: MetricDeadLetterErrors, Unit: count},
	destinationDeliveryFailures: {Name: MetricDestinationFailures, Unit: count},
	iteratorAge:                 {Name: "IteratorAge", Unit: milli},
	recursionsDropped:           {Name: MetricRecursionsDropped, Unit: count},
}

// The metrics of a load, of which an account has the first two and a function the first.
var loadKinds = []metrics.Kind{
	{Name: "ConcurrentExecutions", Unit: count},
	{Name: "UnreservedConcurrentExecutions", Unit: count},
	{Name: "ProvisionedConcurrentExecutions", Unit: count},
	{Name: "ProvisionedConcurrencyUtilization", Unit: none},
}

func newMeter(store *metrics.Store, shown *exposition.Exposition, guide bool) *meter {
	if shown == nil {
		shown = exposition.New()
	}
	return &meter{store: store, shown: shown, guide: guide, callees: map[callee]*calleeMeter{}}
}

// of returns what records a callee's metrics.
func (m *meter) of(ref catalog.Ref, version string) *calleeMeter {
	key := callee{ref, version}
	m.mu.RLock()
	c := m.callees[key]
	m.mu.RUnlock()
	if c != nil {
		return c
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.callees[key]; c != nil {
		return c
	}
	if len(m.callees) >= maxCallees {
		clear(m.callees)
	}
	c = &calleeMeter{}
	if ref.Name != "" { // else it is the account
		c.shown = m.shown.Function(ref)
	}
	if m.store != nil {
		resource := resourceOf(ref)
		c.calls = m.store.Emitter(ref.Scope, callKinds, dimensionsOf(ref, version)...)
		c.events = m.store.Emitter(ref.Scope, eventKinds, nil, resource[:1], resource)
		c.load = m.store.Emitter(ref.Scope, loadKinds, loadDimensions(ref)...)
	}
	m.callees[key] = c
	return c
}

// resourceOf is the dimensions of the very thing that was called, the function's first.
func resourceOf(ref catalog.Ref) []metrics.Dimension {
	resource := ref.Name
	if ref.Qualifier != "" {
		resource += ":" + ref.Qualifier
	}
	return []metrics.Dimension{{Name: "FunctionName", Value: ref.Name}, {Name: "Resource", Value: resource}}
}

// dimensionsOf are the sets under which a call is told: the account, the function, what
// was called and the version that ran; of an alias that too, and which version it led to.
func dimensionsOf(ref catalog.Ref, version string) [][]metrics.Dimension {
	resource := resourceOf(ref)
	function := resource[:1:1]
	sets := [][]metrics.Dimension{nil, function, resource, append(function, metrics.Dimension{Name: "Version", Value: version})}
	if ref.Qualifier != "" && ref.Qualifier != version {
		sets = append(sets,
			append(function, metrics.Dimension{Name: "Alias", Value: ref.Qualifier}),
			append(resource, metrics.Dimension{Name: "ExecutedVersion", Value: version}))
	}
	return sets
}

// loadDimensions are those of a function, or of a qualifier that has provisioned
// concurrency; without a name, of the account.
func loadDimensions(ref catalog.Ref) [][]metrics.Dimension {
	resource := resourceOf(ref)
	switch {
	case ref.Name == "":
		return [][]metrics.Dimension{nil}
	case ref.Qualifier == "":
		return [][]metrics.Dimension{resource[:1]}
	}
	return [][]metrics.Dimension{resource}
}

// measured is what came of a request that the function was, or should have been, run for.
type measured struct {
	ran      bool // false: the init has failed
	failed   bool
	duration time.Duration
	after    time.Duration // that extensions took beyond it
	cold     bool
	init     time.Duration // of a cold one

	provisioned, kept bool // the version has provisioned concurrency; it was used
}

// finished tells what came of a request that began at a time.
func (m *meter) finished(ref catalog.Ref, version string, began time.Time, o measured) {
	c := m.of(ref, version)
	failed := 0.0
	if o.failed {
		failed = 1
		c.shown.Errors.Inc()
	}
	if !o.ran {
		if c.calls != nil {
			c.calls.Emit(began, metrics.None, failed, 0)
		}
		return
	}
	c.shown.Invocations.Inc()
	c.shown.Duration.Observe(o.duration.Seconds())
	if o.cold {
		c.shown.ColdStarts.Inc()
		c.shown.Init.Observe(o.init.Seconds())
	}
	if c.calls == nil {
		return
	}
	values := [...]float64{1, failed, 0, positive(o.duration), positive(o.after), metrics.None, metrics.None}
	switch {
	case o.provisioned && o.kept:
		values[5] = 1
	case o.provisioned:
		values[6] = 1
	}
	if m.guide {
		c.calls.Emit(began, values[:guideKinds]...)
		return
	}
	c.calls.Emit(began, values[:]...)
}

// positive is a time in milliseconds; none at all is no value.
func positive(d time.Duration) float64 {
	if d <= 0 {
		return metrics.None
	}
	return milliseconds(d)
}

// throttled tells of a request that there was no room for.
func (m *meter) throttled(ref catalog.Ref, version string, at time.Time) {
	c := m.of(ref, version)
	c.shown.Throttles.Inc()
	if c.calls != nil {
		c.calls.Emit(at, metrics.None, 0, 1)
	}
}

// event tells of something that leads to calls of a function.
func (m *meter) event(ref catalog.Ref, metric eventMetric, value float64) {
	c := m.of(ref, "")
	switch metric {
	case asyncEventsReceived:
		c.shown.AsyncReceived.Inc()
	case asyncEventsDropped:
		c.shown.AsyncDropped.Inc()
	}
	if c.events == nil || m.guide {
		return
	}
	values := [recursionsDropped + 1]float64{}
	for i := range values {
		values[i] = metrics.None
	}
	values[metric] = value
	c.events.Emit(time.Now(), values[:]...)
}

// load tells how many calls are under way.
func (m *meter) load(ref catalog.Ref, at time.Time, now load) {
	ref.Qualifier = ""
	if m.store == nil || m.guide {
		return
	}
	m.of(ref, "").load.Emit(at, float64(now.function))
	ref.Name = ""
	m.of(ref, "").load.Emit(at, float64(now.account), float64(now.unreserved))
}

// sampleInterval is how often calls that are under way are counted, beside when they
// begin: one that goes on for minutes counts in each.
const sampleInterval = 10 * time.Second

// sample counts what is under way until ctx ends.
func (i *Invoker) sample(ctx context.Context) {
	if i.meter.store == nil || i.meter.guide {
		return
	}
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-tick.C:
			for ref, now := range i.running.all() {
				i.meter.load(ref, at, now)
			}
			i.sampleProvisioned(at)
		}
	}
}

// sampleProvisioned tells how much of provisioned concurrency is in use.
func (i *Invoker) sampleProvisioned(at time.Time) {
	i.mu.Lock()
	fleets := make([]*fleet, 0, len(i.fleets))
	for _, f := range i.fleets {
		fleets = append(fleets, f)
	}
	i.mu.Unlock()
	for _, f := range fleets {
		busy, kept := f.keptInUse()
		if kept == 0 {
			continue
		}
		now, err := i.Catalog.Function(f.function.Ref())
		if err != nil {
			continue
		}
		for qualifier := range now.Provisioned {
			if version, _ := now.VersionOf(qualifier); version == *f.version.Config.Version {
				i.meter.of(f.function.Ref().With(qualifier), "").load.Emit(at, metrics.None, metrics.None, float64(busy), float64(busy)/float64(kept))
			}
		}
	}
}

// keptInUse counts the environments of the provisioned concurrency that run a call, and all.
func (f *fleet) keptInUse() (busy, kept int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	busy = f.keep.ready
	for _, w := range f.idle {
		if w.kept {
			busy--
		}
	}
	return busy, f.keep.ready
}

// measure tells what came of a call that has run in the environment. after is what its
// extensions took, if there are any.
func (w *worker) measure(r Request, began time.Time, duration, after time.Duration, failed, cold bool) {
	o := measured{ran: true, failed: failed, duration: min(duration, w.fleet.timeout()), after: after, cold: cold}
	if cold {
		o.init = w.env.InitDuration()
	}
	w.fleet.mu.Lock()
	o.provisioned, o.kept = w.fleet.keep.wanted > 0, w.kept
	w.fleet.mu.Unlock()
	w.fleet.invoker.meter.finished(r.Ref, *w.fleet.version.Config.Version, began, o)
}

// Observe is told by a Queue what it counts. An event that had to wait for others is a
// throttled request.
func (i *Invoker) Observe(function catalog.Ref, metric string, value float64) {
	if metric == MetricThrottles {
		if f, err := i.Catalog.Function(function); err == nil {
			version, _ := f.VersionOf(function.Qualifier)
			i.meter.throttled(function, version, time.Now())
		}
		return
	}
	for kind := range eventKinds {
		if eventKinds[kind].Name == metric {
			i.meter.event(function, eventMetric(kind), value)
		}
	}
}

// IteratorAge tells how old the newest record of a batch is that a function gets.
func (i *Invoker) IteratorAge(function catalog.Ref, age time.Duration) {
	i.meter.event(function, iteratorAge, max(0, milliseconds(age)))
}
