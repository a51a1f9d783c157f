package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// table shows the metrics: a line each, with its number for the whole time and a
// sparkline of the periods.
func (m *functionMetrics) table() string {
	var b strings.Builder
	period := time.Duration(m.Period) * time.Second
	fmt.Fprintf(&b, "%s from %s to %s, by %s\n\n", m.Function, m.Since.Format("2006-01-02 15:04"), m.Until.Format("15:04 MST"), short(period))
	row := func(name, total string, of func(v *metricValues) *float64) {
		values := make([]*float64, len(m.Points))
		highest := 0.0
		for i := range m.Points {
			if values[i] = of(&m.Points[i].metricValues); values[i] != nil {
				highest = max(highest, *values[i])
			}
		}
		fmt.Fprintf(&b, "%-14s %16s  %s\n", name, total, spark(values, highest))
	}
	count := func(of func(v *metricValues) float64) func(v *metricValues) *float64 {
		return func(v *metricValues) *float64 {
			if n := of(v); n != 0 {
				return &n
			}
			return nil
		}
	}
	t := &m.Total
	errors := number(t.Errors)
	if requests := t.Invocations; requests > 0 && t.Errors > 0 {
		errors += fmt.Sprintf(" (%.1f %%)", 100*t.Errors/max(requests, t.Errors))
	}
	row("Invocations", number(t.Invocations), count(func(v *metricValues) float64 { return v.Invocations }))
	row("Errors", errors, count(func(v *metricValues) float64 { return v.Errors }))
	row("Throttles", number(t.Throttles), count(func(v *metricValues) float64 { return v.Throttles }))
	row("Duration avg", millis(t.Average), func(v *metricValues) *float64 { return v.Average })
	row("         p50", millis(t.P50), func(v *metricValues) *float64 { return v.P50 })
	row("         p95", millis(t.P95), func(v *metricValues) *float64 { return v.P95 })
	row("         p99", millis(t.P99), func(v *metricValues) *float64 { return v.P99 })
	row("         max", millis(t.Maximum), func(v *metricValues) *float64 { return v.Maximum })
	concurrency := "-"
	if t.Concurrency != nil {
		concurrency = number(*t.Concurrency)
	}
	label := "Concurrency"
	if strings.Contains(m.Function, ":") { // which is counted by function
		label = "Concurrency, all"
	}
	row(label, concurrency, func(v *metricValues) *float64 { return v.Concurrency })
	return b.String()
}

const sparks = "▁▂▃▄▅▆▇█"

// spark draws values as bars up to the highest. Where there is none, there is no bar.
func spark(values []*float64, highest float64) string {
	bars := []rune(sparks)
	var b strings.Builder
	for _, v := range values {
		switch {
		case v == nil:
			b.WriteByte(' ')
		case highest <= 0:
			b.WriteRune(bars[0])
		default:
			b.WriteRune(bars[min(len(bars)-1, int(*v/highest*float64(len(bars))))])
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func millis(ms *float64) string {
	if ms == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f ms", *ms)
}

// short shows whole minutes without the seconds.
func short(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		return strings.TrimSuffix(text, "0m")
	}
	return text
}
