// Package exposition shows what the engine does to Prometheus: counters and histograms
// by function, gauges that are read when somebody looks, and the process's own.
package exposition

import (
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// maxFunctions bounds the functions that have time series of their own. What comes
// beyond it shares those of the function "_other".
const maxFunctions = 1000

const other = "_other"

// accountLabel is there on every series that is an account's.
const accountLabel = "account"

var labels = []string{accountLabel, "region", "function"}

// durations are the bounds of histograms, in seconds: from a warm echo to the longest
// timeout.
var durations = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}

// Exposition is everything that is shown.
type Exposition struct {
	registry *prometheus.Registry

	invocations, errors, throttles, coldStarts, asyncReceived, asyncDropped *prometheus.CounterVec
	duration, init                                                          *prometheus.HistogramVec

	mu    sync.Mutex
	known map[catalog.Ref]*Function
}

// Function is what is counted of one function.
type Function struct {
	Invocations, Errors, Throttles prometheus.Counter
	AsyncReceived, AsyncDropped    prometheus.Counter
	ColdStarts                     prometheus.Counter
	Duration, Init                 prometheus.Observer // in seconds
}

// New returns an Exposition that has counted nothing yet.
func New() *Exposition {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: durations}, labels)
	}
	x := &Exposition{
		registry:      prometheus.NewRegistry(),
		invocations:   counter("lambda_invocations_total", "Executions of the function, successful or not."),
		errors:        counter("lambda_errors_total", "Calls that failed because of the function, its init included."),
		throttles:     counter("lambda_throttles_total", "Calls that were refused because of a concurrency limit."),
		coldStarts:    counter("lambda_cold_starts_total", "Calls that were the first of their environment."),
		asyncReceived: counter("lambda_async_events_received_total", "Asynchronous events that were queued."),
		asyncDropped:  counter("lambda_async_events_dropped_total", "Asynchronous events that were given up."),
		duration:      histogram("lambda_duration_seconds", "Time that the function's code ran for a call."),
		init:          histogram("lambda_init_duration_seconds", "Time that environments took to initialise, of cold starts."),
		known:         map[catalog.Ref]*Function{},
	}
	x.registry.MustRegister(
		x.invocations, x.errors, x.throttles, x.coldStarts, x.asyncReceived, x.asyncDropped, x.duration, x.init,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return x
}

// Function returns the counters of a function, whatever the qualifier of ref.
func (x *Exposition) Function(ref catalog.Ref) *Function {
	ref.Qualifier = ""
	x.mu.Lock()
	defer x.mu.Unlock()
	if f := x.known[ref]; f != nil {
		return f
	}
	if len(x.known) >= maxFunctions {
		if ref = (catalog.Ref{Name: other}); x.known[ref] != nil {
			return x.known[ref]
		}
	}
	is := []string{ref.Account, ref.Region, ref.Name}
	f := &Function{
		Invocations: x.invocations.WithLabelValues(is...), Errors: x.errors.WithLabelValues(is...), Throttles: x.throttles.WithLabelValues(is...),
		AsyncReceived: x.asyncReceived.WithLabelValues(is...), AsyncDropped: x.asyncDropped.WithLabelValues(is...),
		ColdStarts: x.coldStarts.WithLabelValues(is...),
		Duration:   x.duration.WithLabelValues(is...), Init: x.init.WithLabelValues(is...),
	}
	x.known[ref] = f
	return f
}

// Gauge is a value that is read when somebody looks, under labels beside account and region.
type Gauge struct {
	Name, Help string
	Labels     []string
}

// State reads gauges: it calls set for each value of each, with the values of its labels
// in order.
type State func(set func(gauge int, value float64, scope catalog.Scope, labels ...string))

// Gauges adds gauges that read reads.
func (x *Exposition) Gauges(gauges []Gauge, read State) {
	s := &state{read: read}
	for _, g := range gauges {
		s.descriptions = append(s.descriptions, prometheus.NewDesc(g.Name, g.Help, append([]string{accountLabel, "region"}, g.Labels...), nil))
	}
	x.registry.MustRegister(s)
}

type state struct {
	descriptions []*prometheus.Desc
	read         State
}

// Describe implements prometheus.Collector.
func (s *state) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range s.descriptions {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(metrics chan<- prometheus.Metric) {
	s.read(func(gauge int, value float64, scope catalog.Scope, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(s.descriptions[gauge], prometheus.GaugeValue, value, append([]string{scope.Account, scope.Region}, labels...)...)
	})
}

// Handler serves everything, or, if account is not empty, what is that account's or nobody's.
func (x *Exposition) Handler(account string) http.Handler {
	gather := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := x.registry.Gather()
		if account == "" {
			return families, err
		}
		for _, f := range families {
			f.Metric = slices.DeleteFunc(f.Metric, func(m *dto.Metric) bool {
				return slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool {
					return l.GetName() == accountLabel && l.GetValue() != account
				})
			})
		}
		return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 }), err
	})
	return promhttp.HandlerFor(gather, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
