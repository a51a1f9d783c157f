package engine

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/api"
	"github.com/lambdaform/terraform-provider-lambda/engine/companion"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources/functionurl"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// ServeHTTP serves function URLs, AWS's APIs, and what is the engine's own under /_engine/.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case functionurl.Addresses(r):
		e.urls.ServeHTTP(w, r)
	case r.URL.Path == MetricsPath && r.Method == http.MethodGet:
		e.serveMetrics(w, r)
	case !strings.HasPrefix(r.URL.Path, "/_engine/"):
		e.services.ServeHTTP(w, r)
	case r.URL.Path == daemon.HealthPath:
		writeJSON(w, http.StatusOK, e.health())
	case strings.HasPrefix(r.URL.Path, api.LinkPath): // is signed in its own way
		e.links.ServeHTTP(w, r)
	default:
		caller, err := e.services.Authenticate(r)
		switch {
		case err != nil:
			wire.WriteError(w, r, err)
		case r.URL.Path == LogsPath:
			e.serveLogs(w, r, caller)
		case r.URL.Path == StatusPath:
			e.serveStatus(w, r, caller)
		default:
			writeJSON(w, http.StatusNotFound, map[string]string{"message": "The engine has nothing at " + r.URL.Path + "."})
		}
	}
}

// StatusPath serves the [Status] of the engine.
const StatusPath = "/_engine/status"

// Status is what an engine has running.
type Status struct {
	Environments []invoke.Environments `json:"environments"`
	Pool         []sandbox.Spares      `json:"pool"` // null where nothing is kept ready ahead of functions
	Mappings     []MappingStatus       `json:"mappings"`
	Companions   []companion.Status    `json:"companions,omitempty"`
}

// MappingStatus is how an event source mapping does.
type MappingStatus struct {
	UUID     string        `json:"uuid"`
	Source   string        `json:"source"`
	Function string        `json:"function"`
	State    string        `json:"state"`
	Result   string        `json:"result"` // of the last batch; empty before the first
	Lag      []sources.Lag `json:"lag"`    // by shard; null while nothing is polled
}

// mappingStatuses tells how the mappings of the accounts do that shown says.
func (e *Engine) mappingStatuses(ctx context.Context, shown func(account string) bool) []MappingStatus {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // a source may be slow to tell
	defer cancel()
	all := []MappingStatus{}
	for _, m := range e.catalog.Mappings() {
		if !shown(m.Account) {
			continue
		}
		id := *m.Config.UUID
		s := MappingStatus{UUID: id, Source: *m.Config.EventSourceArn, Function: *m.Config.FunctionArn, State: *m.Config.State, Result: e.sources.LastResult(id), Lag: e.sources.Lag(ctx, id)}
		if m.Transition != "" && !m.Deleting() && !e.sources.Settled(m) {
			s.State = m.Transition
		}
		all = append(all, s)
	}
	return all
}

func (e *Engine) serveStatus(w http.ResponseWriter, r *http.Request, caller wire.Caller) {
	if caller.Service != "" {
		refuse(w, caller.Name()+" may not see what the engine runs.")
		return
	}
	status := Status{Environments: []invoke.Environments{}}
	for _, v := range e.invoker.Environments() {
		if !e.strict() || strings.Contains(v.Function, ":"+caller.Account+":") {
			status.Environments = append(status.Environments, v)
		}
	}
	if driver, ok := e.driver.(sandbox.PoolDriver); ok {
		status.Pool = driver.Pool()
	}
	status.Mappings = e.mappingStatuses(r.Context(), func(account string) bool { return !e.strict() || account == caller.Account })
	for _, c := range e.companions {
		status.Companions = append(status.Companions, c.Status())
	}
	writeJSON(w, http.StatusOK, status)
}

// LogsPath serves the log of a function as lines of JSON, one observe.Event each:
// ?account=…&region=…&function=…&since=RFC3339&follow=true, and group=… if it does not
// log to the group of its own.
const LogsPath = "/_engine/logs"

func (e *Engine) serveLogs(w http.ResponseWriter, r *http.Request, caller wire.Caller) {
	query := r.URL.Query()
	var since time.Time
	if text := query.Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"message": "since: " + text + " is not a time. Use RFC 3339, such as 2026-11-22T10:00:00Z."})
			return
		}
	}
	account, region := or(query.Get("account"), caller.Account), or(query.Get("region"), caller.Region)
	if caller.Service != "" || e.strict() && account != caller.Account { // AWS's services do nothing but invoke
		refuse(w, caller.Name()+" may not read the logs of account "+account+".")
		return
	}
	flusher := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	_ = flusher.Flush()
	lines := json.NewEncoder(w)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(e.stopping, cancel)() // who follows a log does not hold up the engine's end
	own := observe.FunctionGroup(query.Get("function"))
	group := observe.Group{Account: account, Region: region, Name: or(query.Get("group"), own)}
	err := e.logs.Read(ctx, group, since, query.Get("follow") == "true", func(event observe.Event) error {
		if group.Name != own && !strings.Contains(event.Stream, "/"+query.Get("function")+"[") { // another's in the same group
			return nil
		}
		if err := lines.Encode(event); err != nil {
			return err
		}
		return flusher.Flush()
	})
	if err != nil && ctx.Err() == nil {
		e.config.Logger.Warn("read log", "group", group.Name, "err", err)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
