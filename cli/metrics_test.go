package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

func TestMetrics(t *testing.T) {
	endpoint := startEngine(t)
	for _, c := range []struct{ function, event string }{{"hello", "{}"}, {"hello", `{"fail": 1}`}, {"hello:live", "{}"}, {"hello:live", "{}"}} {
		run(t, "", "--endpoint", endpoint, "invoke", c.function, "-p", c.event)
	}
	metrics := func(args ...string) (int, string, string) {
		return run(t, "", append([]string{"--endpoint", endpoint, "metrics"}, args...)...)
	}
	read := func(function string) functionMetrics {
		t.Helper()
		code, stdout, stderr := metrics(function, "-o", "json", "--since", "5m")
		var m functionMetrics
		if err := json.Unmarshal([]byte(stdout), &m); code != 0 || err != nil {
			t.Fatalf("exit %d, %v: %s%s", code, err, stdout, stderr)
		}
		return m
	}
	m := read("hello")
	total := m.Total
	if total.Invocations != 4 || total.Errors != 1 || total.Throttles != 0 || total.P50 == nil || *total.Maximum < *total.P99 || *total.Average <= 0 || *total.Concurrency != 1 {
		t.Errorf("total %+v", total)
	}
	sum := 0.0
	for _, p := range m.Points {
		sum += p.Invocations
	}
	if sum != 4 || m.Period != 60 || len(m.Points) < 5 {
		t.Errorf("%v invocations in %d points of %d s", sum, len(m.Points), m.Period)
	}
	if m := read("hello:live"); m.Total.Invocations != 2 || m.Total.Errors != 0 {
		t.Errorf("of the alias: %+v", m.Total)
	}
	code, stdout, stderr := metrics("hello")
	for _, part := range []string{"hello from ", ", by 1m\n", "Invocations                   4  ", "Errors               1 (25.0 %)  ", "█\n", "Duration avg", " ms ", "Concurrency                   1"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("exit %d, no %q in:\n%s%s", code, part, stdout, stderr)
		}
	}
	for want, args := range map[string][]string{
		"there is no such function": {"nope"},
		"use whole minutes":         {"hello", "--period", "90s"},
		"use text or json":          {"hello", "-o", "yaml"},
		"--since":                   {"hello", "--since", "yesterday"},
		"FUNCTION:QUALIFIER":        {"hello:"},
	} {
		code, _, stderr := metrics(args...)
		if expected := map[bool]int{true: exitFailed, false: exitUsage}[args[0] == "nope"]; code != expected || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}

func TestMetricsOfStrictEngine(t *testing.T) {
	endpoint := startEngineOf(t, engine.Config{Authentication: "strict"})
	if code, stdout, stderr := run(t, "", "--endpoint", endpoint, "metrics", "hello"); code != 0 || !strings.Contains(stdout, "Invocations") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestSpark(t *testing.T) {
	at := func(f float64) *float64 { return &f }
	if got := spark([]*float64{at(0), nil, at(1), at(4), at(8), nil}, 8); got != "▁ ▂▅█" {
		t.Errorf("got %q", got)
	}
	if got := spark([]*float64{at(0), at(0)}, 0); got != "▁▁" {
		t.Errorf("of zeros %q", got)
	}
}

func TestSteps(t *testing.T) {
	for span, want := range map[time.Duration]string{
		time.Minute: "1m", time.Hour: "1m", 61 * time.Minute: "5m", 6 * time.Hour: "10m", 3 * day: "2h", 15 * day: "6h", 1000 * day: "24h",
	} {
		if got := short(stepFor(span)); got != want {
			t.Errorf("%s by %s, want %s", span, got, want)
		}
	}
}
