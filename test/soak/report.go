//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// report collects what has happened.
type report struct {
	options options
	started time.Time

	mu         sync.Mutex
	answers    map[string][]time.Duration
	chaos      map[string]int
	memory     []int // of the engine, in MB, twice a second
	violations []string

	duplicates, ended int
	records           []string // what has become of records, a line for each way
}

// worst bounds how many violations are kept.
const worst = 50

func (r *report) answered(what string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers == nil {
		r.answers = map[string][]time.Duration{}
	}
	r.answers[what] = append(r.answers[what], took)
}

func (r *report) violated(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) < worst {
		r.violations = append(r.violations, fmt.Sprintf(format, args...))
	}
}

func (r *report) disturbed(what string, err error) {
	if err != nil {
		r.violated("%s: %v", what, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.chaos == nil {
		r.chaos = map[string]int{}
	}
	r.chaos[what]++
}

func (r *report) lost(violations []string) {
	for _, v := range violations {
		r.violated("%s", v)
	}
}

func (r *report) leftRunning(n int) {
	if n > 0 {
		r.violated("%d environments are busy with nothing", n)
	}
}

func (r *report) leftBehind(left []string) {
	for _, l := range left {
		r.violated("left behind: %s", l)
	}
}

// watch follows the engine's memory until ctx ends.
func (r *report) watch(ctx context.Context, s *site) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if mb := s.residentMB(); mb > 0 {
				r.mu.Lock()
				r.memory = append(r.memory, mb)
				r.mu.Unlock()
			}
		}
	}
}

// marker is what the tables go below, in a file of documentation.
const marker = "<!-- Below: written by make soak -->"

func (r *report) write(out io.Writer) error {
	var b bytes.Buffer
	r.tables(&b)
	if _, err := out.Write(b.Bytes()); err != nil || r.options.markdown == "" {
		return err
	}
	page, err := os.ReadFile(r.options.markdown)
	if err != nil {
		return err
	}
	head, _, ok := strings.Cut(string(page), marker)
	if !ok {
		return fmt.Errorf("%s has no line %s", r.options.markdown, marker)
	}
	return os.WriteFile(r.options.markdown, []byte(head+marker+"\n\n"+b.String()), 0o644) //nolint:gosec // documentation
}

func (r *report) tables(b *bytes.Buffer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(b, "%s of load, driver %s, %d synchronous and %d asynchronous callers, disturbances: %s.\n\n", r.options.duration, r.options.driver, r.options.clients, r.options.clients, or(strings.Join(r.options.chaos, ", "), "none"))
	fmt.Fprintf(b, "| what | number | p50 | p99 | longest |\n|---|---|---|---|---|\n")
	names := make([]string, 0, len(r.answers))
	for name := range r.answers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		took := r.answers[name]
		slices.Sort(took)
		n := len(took)
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s |\n", name, n, milliseconds(took[n/2]), milliseconds(took[n*99/100]), milliseconds(took[n-1]))
	}
	fmt.Fprintf(b, "\n- Events that have ended: %d; records of them that came once more: %d\n", r.ended, r.duplicates)
	for _, line := range r.records {
		fmt.Fprintf(b, "- %s\n", line)
	}
	if n := len(r.memory); n > 0 {
		fmt.Fprintf(b, "- Memory of the engine: %d MB after a tenth of the time, %d MB at the end, %d MB at most\n", r.memory[n/10], r.memory[n-1], slices.Max(r.memory))
	}
	for _, what := range disturbances {
		if n := r.chaos[what]; n > 0 {
			fmt.Fprintf(b, "- Disturbed %d times: %s\n", n, what)
		}
	}
	fmt.Fprintf(b, "- Violations: %d\n", len(r.violations))
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
