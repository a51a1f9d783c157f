package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// marker is where the tables begin in a Markdown file.
const marker = "<!-- Below: written by make bench -->\n"

// table is printed as text and as Markdown.
type table struct {
	title string
	head  []string
	rows  [][]string
	notes []string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) text() string {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var s strings.Builder
	fmt.Fprintf(&s, "\n== %s ==\n", t.title)
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%s%s  ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		s.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	for _, note := range t.notes {
		s.WriteString("  " + note + "\n")
	}
	return s.String()
}

func (t *table) markdown() string {
	var s strings.Builder
	fmt.Fprintf(&s, "\n## %s\n\n", t.title)
	fmt.Fprintf(&s, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		s.WriteString("| " + strings.ReplaceAll(strings.Join(row, "\x00"), "|", "\\|") + " |\n")
	}
	for i, note := range t.notes {
		if i == 0 {
			s.WriteString("\n")
		}
		s.WriteString("- " + note + "\n")
	}
	return strings.ReplaceAll(s.String(), "\x00", " | ")
}

// report prints everything, and writes it to the Markdown file.
func (b *bench) report(facts string, weights []weight, again *restarted) error {
	head := fmt.Sprintf("%s: %s.\nMedians of %d rounds of %s. Load average at the beginning %.1f; others used %.0f %% of the CPUs between the rounds (median; at most %.0f %%).\n",
		time.Now().Format("2006-01-02"), facts, len(b.busy), b.options.duration, b.load, 100*median(b.busy), 100*slices.Max(b.busy))
	if b.load > 1 || median(b.busy) > 0.2 {
		head = "**The machine was busy with other things: only ratios mean something, and those roughly.**\n\n" + head
	}
	tables := []*table{b.figures(), b.ratios(), b.coldStarts(), b.drivers(), b.cpuTime()}
	if len(weights) > 0 {
		tables = append(tables, weightTable(weights))
	}
	if again != nil {
		t := &table{title: "Restart", head: []string{"functions", "ready after", "without data", "memory then"}}
		t.add(fmt.Sprint(again.functions), ms(again.full), ms(again.empty), fmt.Sprintf("%d MB", again.megabytes))
		tables = append(tables, t)
	}
	left := &table{title: "Not measured", head: []string{"what", "why"}}
	for _, a := range b.missing {
		reason := []rune(strings.Join(strings.Fields(a.reason), " "))
		left.add(a.name, string(reason[:min(len(reason), 300)]))
	}
	tables = append(tables, left, b.goals(weights))
	fmt.Print("\n" + strings.ReplaceAll(head, "**", ""))
	var markdown strings.Builder
	markdown.WriteString("\n" + head)
	for _, t := range tables {
		if len(t.rows) > 0 {
			fmt.Print(t.text())
			markdown.WriteString(t.markdown())
		}
	}
	if b.options.markdown == "" {
		return nil
	}
	old, err := os.ReadFile(b.options.markdown)
	if err != nil {
		return err
	}
	above, _, found := strings.Cut(string(old), marker)
	if !found {
		return fmt.Errorf("%s: the line %q is missing, below which the tables go", b.options.markdown, strings.TrimSpace(marker))
	}
	return os.WriteFile(b.options.markdown, []byte(above+marker+markdown.String()), 0o644) //nolint:gosec // a page of the documentation
}

func (b *bench) figures() *table {
	t := &table{title: "Figures", head: []string{"engine", "function", "cold", "p50", "p99", "req/s", "req/s, 8 clients"}}
	for _, r := range b.rows {
		t.add(r.name, r.language, ms(median(r.cold)), ms(median(r.p50)), ms(median(r.p99)), rate(median(r.one)), rate(median(r.eight)))
		if r.note != "" {
			t.notes = append(t.notes, r.name+", "+r.language+": "+r.note)
		}
	}
	slices.SortStableFunc(t.rows, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	return t
}

// ratios compares each peer with this engine's docker driver, or with the process
// driver where there is no Docker.
func (b *bench) ratios() *table {
	t := &table{title: "Ratios", head: []string{"peer", "function", "engine", "its cold start / ours", "its p50 / ours", "our req/s / its", "our req/s / its, 8 clients"}}
	for _, r := range b.rows {
		if ours(r.name) {
			continue
		}
		for _, name := range []string{dockerEngine, processEngine} {
			o := find(b.rows, name, r.language)
			if len(o.one) > 0 && len(r.eight) > 0 {
				t.add(r.name, r.language, strings.TrimPrefix(name, "this engine, "),
					ratio(median(r.cold), median(o.cold)), ratio(median(r.p50), median(o.p50)),
					ratio(median(o.one), median(r.one)), ratio(median(o.eight), median(r.eight)))
			}
		}
	}
	return t
}

func (b *bench) coldStarts() *table {
	t := &table{title: "Cold starts and bare runtimes", head: []string{"function", "cold start from the pool", "bare runtime", "ratio", "ratio of the fastest"}}
	for _, r := range b.rows {
		if len(r.bare) > 0 {
			t.add(r.language, ms(median(r.cold)), ms(median(r.bare)), ratio(median(r.cold), median(r.bare)), ratio(slices.Min(r.cold), slices.Min(r.bare)))
		}
	}
	return t
}

// drivers compares the two drivers where they run the same interface client.
func (b *bench) drivers() *table {
	t := &table{title: "Docker and processes, the same client", head: []string{"function", "p50 docker", "p50 process", "docker / process", "of the fastest rounds"}}
	for language, process := range b.samePairs() {
		docker := find(b.rows, dockerEngine, language)
		t.add(language, ms(median(docker.p50)), ms(median(process.p50)), ratio(median(docker.p50), median(process.p50)), ratio(slices.Min(docker.p50), slices.Min(process.p50)))
	}
	slices.SortFunc(t.rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return t
}

// samePairs are the rows of the process driver whose interface client is that of the image.
func (b *bench) samePairs() map[string]*row {
	pairs := map[string]*row{}
	for language, name := range map[string]string{"Go": processEngine, "Python": sameClient} {
		r := find(b.rows, name, language)
		if len(r.p50) > 0 && len(find(b.rows, dockerEngine, language).p50) > 0 {
			pairs[language] = r
		}
	}
	return pairs
}

func (b *bench) cpuTime() *table {
	t := &table{title: "CPU time of a warm call, 8 clients", head: []string{"engine", "function", "engine", "supervisor", "function", "load generator", "together"}}
	for _, r := range b.rows {
		if len(r.spent) == 0 {
			continue
		}
		t.add(strings.TrimPrefix(r.name, "this engine, "), r.language,
			us(r.cpu(func(s spent) time.Duration { return s.engine })), us(r.cpu(func(s spent) time.Duration { return s.supervisor })),
			us(r.cpu(func(s spent) time.Duration { return s.function })), us(r.cpu(func(s spent) time.Duration { return s.generator })),
			us(r.cpu(func(s spent) time.Duration { return s.engine + s.supervisor + s.function + s.generator })))
	}
	return t
}

func weightTable(weights []weight) *table {
	t := &table{title: "Idle environments", head: []string{"environments", "memory of the engine"}}
	for _, w := range weights {
		t.add(fmt.Sprint(w.environments), mb(w.kilobytes))
	}
	t.notes = append(t.notes, fmt.Sprintf("200 environments take %.1f MB (the slope from %d to %d)", 200*perEnvironment(weights)/1024, weights[0].environments, weights[len(weights)-1].environments))
	return t
}

// goals are what the project wants to be, and whether it was.
func (b *bench) goals(weights []weight) *table {
	t := &table{title: "Goals", head: []string{"goal", "measured", "met"}}
	for _, r := range b.rows {
		if len(r.bare) > 0 && (r.language == "Python" || r.language == "Node.js") {
			v := quotient(median(r.cold), median(r.bare))
			t.add("cold start at most 1.3 times the bare runtime, "+r.language, fmt.Sprintf("%.2f", v), met(v <= 1.3))
		}
	}
	for _, language := range []string{"Go", "Python"} {
		if process := b.samePairs()[language]; process != nil {
			v := quotient(median(find(b.rows, dockerEngine, language).p50), median(process.p50))
			t.add("p50 in Docker within 15 % of processes, "+language, fmt.Sprintf("%.2f", v), met(v <= 1.15))
		}
	}
	for _, language := range []string{"Go", "Python", "Node.js"} {
		best := &row{}
		for _, r := range b.rows {
			if r.language == language && !ours(r.name) && median(r.eight) > median(best.eight) {
				best = r
			}
		}
		if o := find(b.rows, dockerEngine, language); len(o.eight) > 0 && len(best.eight) > 0 {
			v := quotient(median(o.eight), median(best.eight))
			t.add(fmt.Sprintf("8 clients: 3 times the requests of the best peer in %s (%s)", language, best.name), fmt.Sprintf("%.2f", v), met(v >= 3))
		}
	}
	if len(weights) > 1 {
		v := 200 * perEnvironment(weights) / 1024
		t.add("200 idle environments take the engine less than 20 MB", fmt.Sprintf("%.1f MB", v), met(v < 20))
	}
	return t
}

func ours(name string) bool { return strings.HasPrefix(name, "this engine") }

func met(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func quotient[T ~int64 | ~float64](a, b T) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func ratio[T ~int64 | ~float64](a, b T) string { return fmt.Sprintf("%.2f", quotient(a, b)) }

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func us(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond)) }

func mb(kilobytes int) string { return fmt.Sprintf("%.1f MB", float64(kilobytes)/1024) }

func rate(perSecond float64) string {
	if perSecond < 20 {
		return fmt.Sprintf("%.1f", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}
