package engine

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/exposition"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// MetricsPath serves what the engine does to Prometheus.
const MetricsPath = "/metrics"

// openMetrics opens the metrics that are kept, and the alarms on them.
func (e *Engine) openMetrics(ctx context.Context) (err error) {
	e.shown = exposition.New()
	if e.metrics, err = metrics.Open(ctx, e.store, time.Now, e.config.Logger); err != nil {
		return err
	}
	e.alarms, err = alarms.Open(ctx, alarms.Options{
		Store: e.store, Metrics: e.metrics, Notify: e.notify, Now: time.Now, Log: e.config.Logger,
	})
	return err
}

// serveMetrics serves everything where callers are believed. A strict engine wants to
// know who asks, and shows the caller's account only: Prometheus cannot sign requests, so
// it may send an access key and its secret by basic authentication.
func (e *Engine) serveMetrics(w http.ResponseWriter, r *http.Request) {
	account := ""
	if e.strict() {
		caller, err := e.scraper(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="access key and secret key"`)
			writeJSON(w, http.StatusUnauthorized, map[string]string{"message": err.Error()})
			return
		}
		account = caller.Account
	}
	e.shown.Handler(account).ServeHTTP(w, r)
}

// scraper tells who asks a strict engine for metrics.
func (e *Engine) scraper(r *http.Request) (wire.Identity, error) {
	if key, secret, ok := r.BasicAuth(); ok {
		known, ok := e.config.Credentials[key]
		if !ok || known.Service != "" || subtle.ConstantTimeCompare([]byte(known.SecretKey), []byte(secret)) != 1 {
			return wire.Identity{}, fmt.Errorf("the access key or its secret is wrong")
		}
		return known.Identity, nil
	}
	caller, err := e.services.Authenticate(r)
	if err == nil && caller.Service != "" {
		err = fmt.Errorf("%s may not see what the engine does", caller.Name())
	}
	return caller.Identity, err
}

// The gauges that readGauges reads.
const (
	gaugeConcurrent = iota
	gaugeEnvironments
	gaugeQueued
	gaugeOldest
	gaugeWaiting
	gaugeBehind
)

var gauges = []exposition.Gauge{
	gaugeConcurrent:   {Name: "lambda_concurrent_executions", Help: "Calls of the function that are under way.", Labels: []string{"function"}},
	gaugeEnvironments: {Name: "lambda_environments", Help: "Execution environments by version and state: idle, busy, or booting.", Labels: []string{"function", "version", "state"}},
	gaugeQueued:       {Name: "lambda_async_queue_depth", Help: "Asynchronous events of the function that have not been handled.", Labels: []string{"function"}},
	gaugeOldest:       {Name: "lambda_async_oldest_event_age_seconds", Help: "Age of the oldest of them.", Labels: []string{"function"}},
	gaugeWaiting:      {Name: "lambda_event_source_records", Help: "Records of a shard that were read and not handled, or messages that wait in a queue.", Labels: []string{"function", "mapping", "shard"}},
	gaugeBehind:       {Name: "lambda_event_source_behind_seconds", Help: "Age of the oldest record of a shard that was not handled.", Labels: []string{"function", "mapping", "shard"}},
}

// readGauges reads what is going on now.
func (e *Engine) readGauges(set func(gauge int, value float64, scope catalog.Scope, labels ...string)) {
	for ref, n := range e.invoker.Running() {
		set(gaugeConcurrent, float64(n), ref.Scope, ref.Name)
	}
	type version struct {
		catalog.Ref
		number string
	}
	totals := map[version]invoke.Environments{} // those of an older code and the current are one version
	for _, v := range e.invoker.Environments() {
		sum := totals[version{v.Ref, v.Version}]
		sum.Total, sum.Idle, sum.Booting = sum.Total+v.Total, sum.Idle+v.Idle, sum.Booting+v.Booting
		totals[version{v.Ref, v.Version}] = sum
	}
	for v, n := range totals {
		set(gaugeEnvironments, float64(n.Idle), v.Scope, v.Name, v.number, "idle")
		set(gaugeEnvironments, float64(max(0, n.Total-n.Idle)), v.Scope, v.Name, v.number, "busy")
		set(gaugeEnvironments, float64(n.Booting), v.Scope, v.Name, v.number, "booting")
	}
	ctx, cancel := context.WithTimeout(e.stopping, 5*time.Second)
	defer cancel()
	for _, m := range e.catalog.Mappings() {
		target, err := m.Target()
		if err != nil {
			continue
		}
		for _, l := range e.sources.Lag(ctx, *m.Config.UUID) {
			set(gaugeWaiting, float64(l.Records), m.Scope, target.Name, *m.Config.UUID, l.Shard)
			if l.Shard != "" {
				set(gaugeBehind, l.Behind.Seconds(), m.Scope, target.Name, *m.Config.UUID, l.Shard)
			}
		}
	}
	backlogs, err := e.queue.Backlogs(ctx)
	if err != nil {
		e.config.Logger.Warn("read the depth of the event queue", "err", err)
	}
	for ref, b := range backlogs {
		set(gaugeQueued, float64(b.Events), ref.Scope, ref.Name)
		set(gaugeOldest, time.Since(b.Oldest).Seconds(), ref.Scope, ref.Name)
	}
}
