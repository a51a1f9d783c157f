package metrics

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

var (
	home  = catalog.Scope{Account: "123456789012", Region: "eu-west-1"}
	start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	kinds = []Kind{{"Invocations", "Count"}, {"Errors", "Count"}, {"Duration", "Milliseconds"}, {"Throttles", "Count"}}
)

// bench is a store that can be closed and opened again, or dropped as by a kill.
type bench struct {
	testing.TB
	*Store
	js  *store.Store
	dir string
	now time.Time
}

func open(t testing.TB) *bench {
	b := &bench{TB: t, dir: filepath.Join(t.TempDir(), "js"), now: start}
	b.open()
	t.Cleanup(func() { b.Close(); b.js.Close() })
	return b
}

func (b *bench) open() {
	b.Helper()
	var err error
	if b.js, err = store.Open(b.dir, slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	if b.Store, err = Open(context.Background(), b.js, func() time.Time { return b.now }, slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) restart() {
	b.Close()
	b.js.Close()
	b.open()
}

func (b *bench) invocations(from, to time.Time, dims ...Dimension) float64 {
	b.Helper()
	all, err := b.Query(context.Background(), home, ID{Namespace: Namespace, Name: "Invocations", Dimensions: dims}, from, to)
	if err != nil {
		b.Fatal(err)
	}
	total := 0.0
	for _, s := range all {
		for _, p := range s.Points {
			total += p.Sum
		}
	}
	return total
}

var byName = Dimension{functionDimension, "f"}

func TestStoreSurvivesRestarts(t *testing.T) {
	b := open(t)
	for round := range 4 {
		e := b.Emitter(home, kinds, nil, []Dimension{byName}, []Dimension{byName, {"Resource", "f:2"}})
		for i := range 10 {
			e.Emit(start.Add(time.Duration(i)*20*time.Second), 1, 0, 12.5)
		}
		if got := b.invocations(start, start.Add(time.Hour), byName); got != float64(10*(round+1)) {
			t.Fatalf("round %d: %v invocations", round, got)
		}
		b.restart()
	}
	if got := b.invocations(start, start.Add(time.Minute), Dimension{"Resource", "f:2"}, byName); got != 12 {
		t.Errorf("%v invocations in the first minute, want 3 of each round", got)
	}
	if got := b.invocations(start, start.Add(time.Hour)); got != 40 {
		t.Errorf("%v invocations of the account", got)
	}
	if got := b.invocations(start, start.Add(time.Hour), Dimension{"Resource", "f:2"}); got != 0 {
		t.Errorf("a part of the dimensions finds %v", got)
	}
	if got := b.invocations(start.Add(time.Second), start.Add(61*time.Second), byName); got != 12 {
		t.Errorf("a range that begins within a minute has %v, want those of the one minute that begins in it", got)
	}
	listed, err := b.List(t.Context(), home, func(id ID) bool { return true })
	if err != nil || len(listed) != 9 { // three kinds in three sets: of the fourth there was none
		t.Errorf("listed %v, %v", listed, err)
	}
}

func TestLateValuesJoinWhatIsStored(t *testing.T) {
	b := open(t)
	e := b.Emitter(home, kinds, []Dimension{byName})
	e.Emit(start, 1)
	b.now = start.Add(10 * time.Hour)
	b.Flush()
	e.Emit(b.now, 1)
	b.Flush() // the first hour is out of memory now
	g := b.group(home, "f-f")
	if n := len(g.series[ID{Namespace, "Invocations", "Count", []Dimension{byName}}.key()].points); n != 1 {
		t.Fatalf("%d points are in memory", n)
	}
	e.Emit(start.Add(time.Second), 1)
	if got := b.invocations(start, start.Add(time.Minute), byName); got != 2 {
		t.Errorf("%v before the flush, want 2", got)
	}
	b.Flush()
	if got := b.invocations(start, start.Add(time.Minute), byName); got != 2 {
		t.Errorf("%v after the flush, want 2", got)
	}
	b.restart()
	if got := b.invocations(start, b.now.Add(time.Minute), byName); got != 3 {
		t.Errorf("%v after a restart, want 3", got)
	}
}

func TestOldSeriesAreForgotten(t *testing.T) {
	b := open(t)
	e := b.Emitter(home, kinds, []Dimension{byName})
	e.Emit(start, 1)
	b.Flush()
	b.now = start.Add(Retention + 2*time.Hour)
	b.forget()
	if listed, err := b.List(t.Context(), home, func(ID) bool { return true }); err != nil || len(listed) != 0 {
		t.Errorf("listed %v, %v", listed, err)
	}
	e.Emit(b.now, 1) // by an emitter that has known the series before
	if got := b.invocations(start, b.now.Add(time.Minute), byName); got != 1 {
		t.Errorf("%v invocations, want the new one", got)
	}
}

func TestPut(t *testing.T) {
	b := open(t)
	id := ID{"Shop", "Orders", "Count", []Dimension{{"Stage", "prod"}, {"Area", "eu"}}}
	for range 3 {
		if err := b.Put(home, id, start, Summed(2, 10, 4, 6)); err != nil {
			t.Fatal(err)
		}
	}
	id.Unit = ""
	got, err := b.Query(t.Context(), home, id, start, start.Add(time.Minute))
	if err != nil || len(got) != 1 || got[0].Points[0].Sum != 30 || got[0].Unit != "Count" {
		t.Errorf("got %+v, %v", got, err)
	}
	b.custom[home] = maxCustom
	id.Name = "More"
	if err := b.Put(home, id, start, Summed(1, 1, 1, 1)); err == nil {
		t.Error("an account may make up any number of metrics")
	}
	b.forget()
	if err := b.Put(home, id, start, Summed(1, 1, 1, 1)); err != nil {
		t.Errorf("when others are forgotten there is room again: %v", err)
	}
}

func TestEmittersDoNotLoseValues(t *testing.T) {
	b := open(t)
	var tasks sync.WaitGroup
	for range 8 {
		tasks.Go(func() {
			e := b.Emitter(home, kinds, nil, []Dimension{byName})
			for i := range 500 {
				e.Emit(start.Add(time.Duration(i)*time.Minute), 1, 0, 5, 0)
			}
		})
	}
	for range 5 {
		b.Flush()
	}
	tasks.Wait()
	b.restart()
	for _, dims := range [][]Dimension{nil, {byName}} {
		if got := b.invocations(start, start.Add(500*time.Minute), dims...); got != 4000 {
			t.Errorf("%v: %v invocations, want 4000", dims, got)
		}
	}
}

func BenchmarkEmit(b *testing.B) {
	bench := open(b)
	sets := [][]Dimension{nil, {byName}, {byName, {"Resource", "f:PROD"}}, {byName, {"Version", "2"}}, {byName, {"Alias", "PROD"}}, {byName, {"Resource", "f:PROD"}, {"ExecutedVersion", "2"}}}
	e := bench.Emitter(home, kinds, sets...)
	b.ReportAllocs()
	i := 0.0
	for b.Loop() {
		e.Emit(start, 1, 0, 5+float64(int(i)%100), 0)
		i++
	}
}
