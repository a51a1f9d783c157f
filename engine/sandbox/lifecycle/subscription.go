//go:build linux

package lifecycle

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// api is which of the two APIs somebody has subscribed through.
type api struct {
	name    string // the beginning of the types of its errors
	event   string // that tells of a subscription
	schemas []string
}

const logsSchemaDone = "2021-03-18" // has platform.runtimeDone

var (
	telemetryAPI = &api{"Telemetry", "telemetrySubscription", []string{"2022-07-01", "2022-12-13", "2025-01-29"}}
	logsAPI      = &api{"Logs", "logsSubscription", []string{"2020-08-15", logsSchemaDone}}
)

// subscription is what an extension asks for.
type subscription struct {
	Schema      string      `json:"schemaVersion"`
	Types       []string    `json:"types"`
	Buffering   buffering   `json:"buffering"`
	Destination destination `json:"destination"`
}

type buffering struct {
	MaxItems  *int `json:"maxItems"`
	MaxBytes  *int `json:"maxBytes"`
	TimeoutMS *int `json:"timeoutMs"`
}

type destination struct {
	Protocol string `json:"protocol"`
	URI      string `json:"URI"`
	Port     int    `json:"port"`
	Method   string `json:"method"`
	Encoding string `json:"encoding"`

	path string // of the URI
}

// check fills in what was left out, and returns what is wrong, in the manner of AWS.
func (s *subscription) check(a *api) (problems []string) {
	if s.Schema == "" && a == logsAPI {
		s.Schema = a.schemas[0]
	}
	if !slices.Contains(a.schemas, s.Schema) {
		problems = append(problems, fmt.Sprintf("schemaVersion %q is not one of %s", s.Schema, strings.Join(a.schemas, ", ")))
	}
	if len(s.Types) == 0 {
		problems = append(problems, "types should not be empty")
	}
	for _, t := range s.Types {
		if sources[t] == 0 {
			problems = append(problems, fmt.Sprintf("type %q is not one of platform, function, extension", t))
		}
	}
	for _, limit := range []struct {
		name               string
		value              **int
		initial, low, high int
	}{
		{"maxItems", &s.Buffering.MaxItems, 10000, 1000, 10000},
		{"maxBytes", &s.Buffering.MaxBytes, 256 << 10, 256 << 10, 1 << 20},
		{"timeoutMs", &s.Buffering.TimeoutMS, 1000, 25, 30000},
	} {
		if *limit.value == nil {
			*limit.value = &limit.initial
		}
		if v := **limit.value; v < limit.low || v > limit.high {
			problems = append(problems, fmt.Sprintf("buffering.%s %d is not between %d and %d", limit.name, v, limit.low, limit.high))
		}
	}
	return append(problems, s.Destination.check()...)
}

func (d *destination) check() (problems []string) {
	switch d.Protocol {
	case "TCP":
		if d.Port < 1 || d.Port > 65535 {
			problems = append(problems, "destination.port is not between 1 and 65535")
		}
		return problems
	case "HTTP":
	default:
		return append(problems, fmt.Sprintf("destination.protocol %q is not one of HTTP, TCP", d.Protocol))
	}
	if d.Method == "" {
		d.Method = "POST"
	}
	if d.Method != "POST" && d.Method != "PUT" {
		problems = append(problems, fmt.Sprintf("destination.method %q is not one of POST, PUT", d.Method))
	}
	if d.Encoding != "" && d.Encoding != "JSON" {
		problems = append(problems, fmt.Sprintf("destination.encoding %q is not JSON", d.Encoding))
	}
	rest, ok := strings.CutPrefix(d.URI, "http://")
	if !ok {
		return append(problems, "destination.URI is not an http URI")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	d.path = "/" + strings.TrimPrefix(rest[end:], "/")
	d.path, _, _ = strings.Cut(d.path, "#")
	host, port, _ := strings.Cut(rest[:end], ":")
	if !inside(host) {
		problems = append(problems, fmt.Sprintf("URI host %q is not sandbox.localdomain", host))
	}
	if port == "" {
		return append(problems, "URI port is not provided")
	}
	var err error
	if d.Port, err = strconv.Atoi(port); err != nil || d.Port < 1 || d.Port > 65535 || strings.ContainsAny(d.path, " \r\n") {
		problems = append(problems, fmt.Sprintf("destination.URI %q is not valid", d.URI))
	}
	return problems
}

// inside reports whether a host is this environment.
func inside(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsUnspecified()
	}
	return host == "sandbox.localdomain" || host == "sandbox" || host == "localhost"
}

// subscribe answers an extension that wants telemetry.
func (a *runtimeAPI) subscribe(req *request, id string, through *api) error {
	l := a.life
	l.mu.Lock()
	var t *telemetry
	e := l.ext.find(func(e *extension) bool { return e.id == id })
	if e != nil {
		t = l.ext.telemetry
	}
	l.mu.Unlock()
	if e == nil {
		return refuse("Extension.UnknownExtensionIdentifier", "Unknown extension %s", id)
	}
	var s subscription
	problems := []string{}
	if err := json.Unmarshal(req.body, &s); err != nil {
		problems = append(problems, err.Error())
	} else {
		problems = s.check(through)
	}
	if len(problems) == 0 {
		problem, err := t.subscribe(e.name, through, s)
		if err != nil {
			return err
		}
		if problem == "" {
			return a.respond("200 OK", []byte(`"OK"`))
		}
		problems = append(problems, problem)
	}
	kind := "ValidationError"
	if through == logsAPI {
		kind = "Logs.ValidationError"
	}
	return a.fault("400 Bad Request", kind, strings.Join(problems, "; "))
}

// subscribe begins deliveries. An extension that subscribes again changes what it gets.
func (t *telemetry) subscribe(name string, through *api, s subscription) (problem string, err error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return "", refuse(through.name+".SubscriptionClosed", "%s API subscription is closed", through.name)
	}
	i := slices.IndexFunc(t.subscribers, func(s *subscriber) bool { return s.name == name })
	if i >= 0 && t.subscribers[i].api != through {
		t.mu.Unlock()
		return fmt.Sprintf("%s has subscribed through the %s API already", name, t.subscribers[i].api.name), nil
	}
	sub := newSubscriber(t, name, through, s)
	if i >= 0 {
		t.subscribers[i].change(sub)
	} else {
		t.subscribers = append(t.subscribers, sub)
		for _, e := range t.early {
			sub.add(e)
		}
		t.life.tasks.Go(sub.run)
	}
	t.mu.Unlock()
	record := struct {
		Name  string   `json:"name"`
		State string   `json:"state"`
		Types []string `json:"types"`
	}{name, "Subscribed", s.Types}
	if through == logsAPI {
		t.logged(through.event, record)
	} else {
		t.happened(through.event, record, nil)
	}
	return "", nil
}

func (s *subscription) sources() (all source) {
	for _, t := range s.Types {
		all |= sources[t]
	}
	return all
}

func (b buffering) timeout() time.Duration { return time.Duration(*b.TimeoutMS) * time.Millisecond }
