package observe_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
)

// all reads every page of a query and returns the messages.
func all(t testing.TB, l *observe.Logs, q observe.Query) (messages []string) {
	t.Helper()
	for pages := 0; ; pages++ {
		page, err := l.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			messages = append(messages, e.Message)
		}
		if !page.More {
			return messages
		}
		if q.After = page.Last; pages > 1e5 {
			t.Fatal("the pages have no end")
		}
	}
}

var start = time.UnixMilli(1_700_000_000_000)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// Events come in the order of time, whatever streams and batches they are in and
// however the pages are cut, forwards and backwards.
func TestQueryOrder(t *testing.T) {
	logs, _ := openLogs(t, t.TempDir())
	g := group("/aws/lambda/f.g#1")
	var want []string
	for i := range 300 {
		stream := g.Stream(fmt.Sprintf("2026/11/22/[$LATEST]%d. *>", i%3))
		logs.Append(stream, at(i), fmt.Sprint(i))
		if i%7 == 0 {
			logs.Flush()
		}
		want = append(want, fmt.Sprint(i))
	}
	logs.Append(group("/aws/lambda/f").Stream("s"), at(5), "of another group")
	logs.Append(g.Stream("late"), at(150), "150 written late")
	want = slices.Insert(want, 151, "150 written late")
	back := slices.Clone(want)
	slices.Reverse(back)
	for _, limit := range []int{0, 2, 7, 300, 301, 1000} {
		if got := all(t, logs, observe.Query{Group: g, Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("by %d: %v", limit, got)
		}
		if got := all(t, logs, observe.Query{Group: g, Limit: limit, Backward: true}); !slices.Equal(got, back) {
			t.Errorf("backwards by %d: %v", limit, got)
		}
	}
	if got := all(t, logs, observe.Query{Group: g, Bytes: 200}); !slices.Equal(got, want) {
		t.Errorf("by 200 bytes: %v", got)
	}
	if got := all(t, logs, observe.Query{Group: g, Scan: 100, Match: func(m string) bool { return m == "299" }}); fmt.Sprint(got) != "[299]" {
		t.Errorf("what is looked at in steps: %v", got)
	}
	if got := all(t, logs, observe.Query{Group: g, Start: at(10), End: at(12)}); fmt.Sprint(got) != "[10 11 12]" {
		t.Errorf("a window: %v", got)
	}
	if got := all(t, logs, observe.Query{Group: g, Start: at(10), End: at(12), Backward: true}); fmt.Sprint(got) != "[12 11 10]" {
		t.Errorf("a window backwards: %v", got)
	}
	if got := all(t, logs, observe.Query{Group: g, Stream: func(name string) bool { return strings.Contains(name, "1. *>") }, End: at(10)}); fmt.Sprint(got) != "[1 4 7 10]" {
		t.Errorf("one stream: %v", got)
	}
	if got := all(t, logs, observe.Query{Group: g, Stream: func(string) bool { return false }}); got != nil {
		t.Errorf("no stream: %v", got)
	}
}

func TestPositions(t *testing.T) {
	for _, p := range []observe.Position{{}, {Time: 1, Seq: 2, Index: 3}, {Time: 1 << 50, Seq: 1<<64 - 1, Index: 1<<32 - 1}} {
		got, err := observe.ParsePosition(p.String())
		if err != nil || got != p || len(p.String()) != 56 {
			t.Errorf("%v is %v: %v", p, got, err)
		}
	}
	for _, s := range []string{"", "x", strings.Repeat("9", 56), strings.Repeat("x", 56), strings.Repeat("0", 55) + "-"} {
		if p, err := observe.ParsePosition(s); err == nil {
			t.Errorf("%q is %v", s, p)
		}
	}
}

// What was there when somebody began to read comes exactly once, whatever is written meanwhile.
func TestPagesWhileWriting(t *testing.T) {
	logs, _ := openLogs(t, t.TempDir())
	const before = 3000
	for i := range before {
		logs.Append(source("f"), time.Now(), fmt.Sprint("before ", i))
	}
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					logs.Append(group("f").Stream(fmt.Sprint(w)), time.Now(), fmt.Sprint("during ", w, i))
				}
			}
		})
	}
	seen := map[string]int{}
	last := ""
	q := observe.Query{Group: group("f"), Limit: 100}
	for before, pages := 3000, 0; before > 0; pages++ {
		page, err := logs.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			seen[e.ID]++
			if e.ID <= last {
				t.Fatalf("%s comes after %s", e.ID, last)
			}
			last = e.ID
			if strings.HasPrefix(e.Message, "before") {
				before--
			}
		}
		if q.After = page.Last; pages > 10000 {
			t.Fatalf("%d events never came", before)
		}
	}
	close(stop)
	writers.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

func TestGroups(t *testing.T) {
	dir := t.TempDir()
	logs, end := openLogs(t, dir)
	f := group("f")
	if err := logs.CreateGroup(t.Context(), observe.GroupRecord{Account: f.Account, Region: f.Region, Name: "f", Tags: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	if err := logs.CreateGroup(t.Context(), observe.GroupRecord{Account: f.Account, Region: f.Region, Name: "f"}); !errors.Is(err, observe.ErrGroupExists) {
		t.Errorf("%v", err)
	}
	if err := logs.CreateStream(t.Context(), f.Stream("asked for")); err != nil {
		t.Fatal(err)
	}
	if err := logs.CreateStream(t.Context(), f.Stream("asked for")); !errors.Is(err, observe.ErrStreamThere) {
		t.Errorf("%v", err)
	}
	if err := logs.CreateStream(t.Context(), group("nope").Stream("s")); !errors.Is(err, observe.ErrNoGroup) {
		t.Errorf("%v", err)
	}
	logs.Append(source("f"), at(0), "one")
	logs.Append(source("f"), at(9), "two")
	logs.Append(source("g"), at(0), "implicit")
	if err := logs.Put(t.Context(), f.Stream("none"), []observe.Event{{Time: at(1)}}); !errors.Is(err, observe.ErrNoStream) {
		t.Errorf("%v", err)
	}
	check := func() {
		t.Helper()
		var names []string
		for _, r := range logs.Groups(f.Account, f.Region) {
			names = append(names, r.Name)
		}
		if fmt.Sprint(names) != "[f g]" {
			t.Errorf("groups %v", names)
		}
		if r, err := logs.GetGroup(f); err != nil || r.Tags["a"] != "b" || time.Since(r.Created) > time.Minute {
			t.Errorf("%+v %v", r, err)
		}
		streams, err := logs.Streams(t.Context(), f)
		if err != nil || len(streams) != 2 {
			t.Fatalf("%+v %v", streams, err)
		}
		if s := streams[0]; s.Name != "asked for" || !s.First.IsZero() || !s.Ingested.IsZero() {
			t.Errorf("%+v", s)
		}
		if s := streams[1]; s.Name != "stream" || !s.First.Equal(at(0)) || !s.Last.Equal(at(9)) || time.Since(s.Ingested) > time.Minute {
			t.Errorf("%+v", s)
		}
	}
	check()
	end()
	logs, _ = openLogs(t, dir)
	check()
	if n, err := logs.GroupBytes(t.Context(), f); err != nil || n < 6 {
		t.Errorf("%d bytes: %v", n, err)
	}
}

// A deleted group is gone with what was appended before, and comes back with what comes later.
func TestDelete(t *testing.T) {
	logs, _ := openLogs(t, t.TempDir())
	f := group("f")
	whatever := func(observe.GroupRecord) error { return nil }
	if err := logs.DeleteGroup(t.Context(), f, whatever); !errors.Is(err, observe.ErrNoGroup) {
		t.Errorf("%v", err)
	}
	for round := range 3 {
		logs.Append(source("f"), at(0), "old")
		logs.Append(source("fg"), at(0), "other")
		refuse := errors.New("no")
		if err := logs.DeleteGroup(t.Context(), f, func(observe.GroupRecord) error { return refuse }); !errors.Is(err, refuse) {
			t.Errorf("%v", err)
		}
		if err := logs.DeleteGroup(t.Context(), f, whatever); err != nil {
			t.Fatal(err)
		}
		if got := read(t, logs, "f", time.Time{}); got != nil {
			t.Errorf("of a deleted group: %v", got)
		}
		if _, err := logs.Streams(t.Context(), f); !errors.Is(err, observe.ErrNoGroup) {
			t.Errorf("%v", err)
		}
		if got := read(t, logs, "fg", time.Time{}); len(got) != round+1 {
			t.Errorf("the other group: %v", got)
		}
	}
	logs.Append(source("f"), at(0), "new")
	logs.Append(f.Stream("s"), at(1), "of s")
	if got := read(t, logs, "f", time.Time{}); fmt.Sprint(got) != "[new of s]" {
		t.Errorf("%v", got)
	}
	if err := logs.DeleteStream(t.Context(), f.Stream("s")); err != nil {
		t.Fatal(err)
	}
	if err := logs.DeleteStream(t.Context(), f.Stream("s")); !errors.Is(err, observe.ErrNoStream) {
		t.Errorf("%v", err)
	}
	if got := read(t, logs, "f", time.Time{}); fmt.Sprint(got) != "[new]" {
		t.Errorf("%v", got)
	}
}

// What was appended before a deletion never shows after it, whatever is written meanwhile.
func TestDeleteWhileWriting(t *testing.T) {
	logs, _ := openLogs(t, t.TempDir())
	f := group("f")
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					logs.Append(f.Stream(fmt.Sprint("noise ", w)), time.Now(), "noise")
				}
			}
		})
	}
	for round := range 10 {
		logs.Append(source("f"), time.Now(), "before")
		if err := logs.DeleteGroup(t.Context(), f, func(observe.GroupRecord) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got := read(t, logs, "f", time.Time{}); slices.Contains(got, "before") {
			t.Fatalf("round %d: a deleted event is among %d", round, len(got))
		}
	}
	close(stop)
	writers.Wait()
}

// Retention hides events at once, and Sweep deletes them, with streams of no use.
func TestRetention(t *testing.T) {
	var ahead atomic.Int64
	logs, _ := openLogs(t, t.TempDir(), observe.WithLogClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }))
	f := group("f")
	now := time.Now()
	logs.Append(source("f"), now.Add(-25*time.Hour), "yesterday")
	logs.Append(f.Stream("now"), now, "now")
	logs.Append(source("kept"), now.Add(-1000*time.Hour), "for ever")
	logs.Flush()
	if err := logs.CreateStream(t.Context(), f.Stream("asked for")); err != nil {
		t.Fatal(err)
	}
	keep := func(days int) {
		t.Helper()
		if err := logs.UpdateGroup(t.Context(), f, func(r *observe.GroupRecord) error { r.Retention = days; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	keep(1)
	if got := read(t, logs, "f", time.Time{}); fmt.Sprint(got) != "[now]" {
		t.Errorf("with a day: %v", got)
	}
	keep(0)
	if got := read(t, logs, "f", time.Time{}); fmt.Sprint(got) != "[yesterday now]" {
		t.Errorf("without: %v", got)
	}
	keep(1)
	sweep := func(after time.Duration) {
		t.Helper()
		ahead.Store(int64(after))
		if err := logs.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep(0)
	keep(0)
	if got := read(t, logs, "f", time.Time{}); len(got) != 2 {
		t.Errorf("swept too early: %v", got)
	}
	keep(1)
	sweep(27 * time.Hour)
	keep(0)
	if got := read(t, logs, "f", time.Time{}); got != nil {
		t.Errorf("after a sweep: %v", got)
	}
	if streams, err := logs.Streams(t.Context(), f); err != nil || len(streams) != 1 || streams[0].Name != "asked for" {
		t.Errorf("%+v %v", streams, err)
	}
	if got := read(t, logs, "kept", time.Time{}); fmt.Sprint(got) != "[for ever]" {
		t.Errorf("without retention: %v", got)
	}
	logs.Append(source("f"), now, "again")
	if got := read(t, logs, "f", time.Time{}); fmt.Sprint(got) != "[again]" {
		t.Errorf("a stream that was dropped: %v", got)
	}
}

func BenchmarkAppend(b *testing.B) {
	logs, _ := openLogs(b, b.TempDir())
	s, line := source("f"), strings.Repeat("x", 120)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			logs.Append(s, time.Now(), line)
		}
	})
	logs.Flush() // all of it is written
}

// A hundred thousand events, three a batch as single calls leave them, of which a few match.
func BenchmarkFilter(b *testing.B) {
	logs, _ := openLogs(b, b.TempDir())
	s := source("f")
	for i := range 33334 {
		events := make([]observe.Event, 3)
		for n := range events {
			events[n] = observe.Event{Time: at(i*50 + n), Message: fmt.Sprintf("START RequestId: %d Version: $LATEST %d", i, n)}
		}
		if i == 0 {
			logs.Append(s, at(0), "first")
			logs.Flush()
		}
		if err := logs.Put(b.Context(), s, events); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		query observe.Query
		want  int
	}{
		{"few", observe.Query{Match: func(m string) bool { return strings.Contains(m, "RequestId: 777 ") }}, 3},
		{"all", observe.Query{Limit: 10000}, 100003},
		{"window", observe.Query{Start: at(33000 * 50)}, 1002},
		{"newest", observe.Query{Start: at(33333 * 50), Backward: true}, 3},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.query.Group = group("f")
			for b.Loop() {
				if got := all(b, logs, c.query); len(got) != c.want {
					b.Fatal(len(got))
				}
			}
		})
	}
}
