package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

type document struct {
	Name string
	N    int
	List []string
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func table(t *testing.T, s *store.Store, onChange func(string, document, bool)) *store.Table[document] {
	t.Helper()
	docs, err := store.OpenTable(t.Context(), s, "documents", onChange)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(docs.Close)
	return docs
}

func TestTable(t *testing.T) {
	docs := table(t, open(t, t.TempDir()), nil)
	if _, ok := docs.Get("a"); ok || len(docs.All()) != 0 {
		t.Error("a new table is not empty")
	}
	for _, key := range []string{"c", "a", "b"} {
		if err := docs.Put(t.Context(), key, document{Name: key}); err != nil {
			t.Fatal(err)
		}
		if d, ok := docs.Get(key); !ok || d.Name != key {
			t.Errorf("%s is not there as soon as it is written", key)
		}
	}
	if err := docs.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if err := docs.Delete(t.Context(), "nothing"); err != nil {
		t.Error(err)
	}
	if _, ok := docs.Get("b"); ok {
		t.Error("b is there after its deletion")
	}
	if keys := docs.Keys(); !slices.Equal(keys, []string{"a", "c"}) {
		t.Errorf("keys %v", keys)
	}
	if all := docs.All(); len(all) != 2 || all[0].Name != "a" || all[1].Name != "c" {
		t.Errorf("documents %v", all)
	}
	for range 3 { // a key can be written again after its deletion
		if _, err := docs.Update(t.Context(), "b", func(d *document, exists bool) error {
			if exists || d.Name != "" {
				t.Errorf("deleted, but %+v", d)
			}
			d.Name = "again"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := docs.Delete(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
	}
}

// Update is atomic: of many writers at once none overwrites another.
func TestScan(t *testing.T) {
	docs := table(t, open(t, t.TempDir()), nil)
	var mu sync.Mutex // the watch keeps the index too
	seen := map[string]int{}
	put := func(key string, n int) {
		t.Helper()
		if err := docs.Put(t.Context(), key, document{N: n}); err != nil {
			t.Fatal(err)
		}
	}
	put("b.000", 7)
	docs.Index(func(key string, d document, exists bool) {
		mu.Lock()
		defer mu.Unlock()
		if seen[key] = d.N; !exists {
			delete(seen, key)
		}
	})
	mu.Lock()
	first := seen["b.000"]
	mu.Unlock()
	if first != 7 {
		t.Errorf("Index was told of %d", first)
	}
	var all []string
	for i := range 150 {
		key := fmt.Sprintf("b.%03d", i)
		put(key, i)
		all = append(all, key)
	}
	put("a.1", 1)
	put("c.1", 1)
	if err := docs.Delete(t.Context(), "b.070"); err != nil {
		t.Fatal(err)
	}
	all = slices.Delete(all, 70, 71)
	for from, want := range map[string][]string{"": all, "b.": all, "b.069": all[69:], "b.0695": all[70:], "b.070": all[70:], "b.9": nil} {
		var got []string
		for key := range docs.Scan("b.", from) {
			got = append(got, key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %q: %v, want %v", from, got, want)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if _, ok := seen["b.070"]; ok || len(seen) != len(all)+2 || seen["b.149"] != 149 {
		t.Errorf("the index has %d entries", len(seen))
	}
}

func TestUpdateIsCompareAndSet(t *testing.T) {
	s := open(t, t.TempDir())
	// Two tables of one bucket are as two engines of one cluster: each learns of
	// the other's writes through the watch only.
	tables := []*store.Table[document]{table(t, s, nil), table(t, s, nil)}
	const writers, writes = 8, 25
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range writes {
				if _, err := tables[i%2].Update(t.Context(), "key", func(d *document, _ bool) error {
					d.N++
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := tables[0].Update(t.Context(), "key", func(*document, bool) error { return nil })
	if err != nil || got.N != writers*writes {
		t.Errorf("%d writes were lost, %v", writers*writes-got.N, err)
	}
}

// What a failed change has done to its copy is seen by nobody.
func TestUpdateFails(t *testing.T) {
	docs := table(t, open(t, t.TempDir()), nil)
	if err := docs.Put(t.Context(), "key", document{List: []string{"one"}}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if _, err := docs.Update(t.Context(), "key", func(d *document, _ bool) error {
		d.List[0] = "two"
		return refused
	}); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if d, _ := docs.Get("key"); d.List[0] != "one" {
		t.Errorf("%v", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := docs.Update(ctx, "key", func(*document, bool) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Writers, deleters and readers of the same keys in two tables agree in the end.
func TestTablesConverge(t *testing.T) {
	s := open(t, t.TempDir())
	one, two := table(t, s, nil), table(t, s, nil)
	var wg sync.WaitGroup
	for i := range 4 {
		docs := []*store.Table[document]{one, two}[i%2]
		wg.Go(func() {
			for j := range 50 {
				key := fmt.Sprint(j % 3)
				if j%5 == i {
					if err := docs.Delete(t.Context(), key); err != nil {
						t.Error(err)
					}
					continue
				}
				if _, err := docs.Update(t.Context(), key, func(d *document, _ bool) error {
					d.N++
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	kv, err := s.JetStream().KeyValue(t.Context(), "documents")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		key := fmt.Sprint(i)
		_, err := kv.Get(t.Context(), key)
		stored := !errors.Is(err, jetstream.ErrKeyNotFound)
		eventually(t, "both tables show what is stored under "+key, func() bool {
			a, inOne := one.Get(key)
			b, inTwo := two.Get(key)
			return inOne == stored && inTwo == stored && a.N == b.N
		})
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// A store that is opened again has everything that was written, and says nothing of it as news.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	docs, err := store.OpenTable[document](t.Context(), s, "documents", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := docs.Put(t.Context(), fmt.Sprintf("%02d", i), document{N: i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := docs.Delete(t.Context(), "07"); err != nil {
		t.Fatal(err)
	}
	docs.Close()
	s.Close()

	changes := make(chan string, 100)
	docs = table(t, open(t, dir), func(key string, d document, exists bool) { changes <- fmt.Sprint(key, d.N, exists) })
	if all := docs.All(); len(all) != 19 || all[0].N != 0 || all[18].N != 19 {
		t.Errorf("%v", all)
	}
	if _, err := docs.Update(t.Context(), "07", func(d *document, exists bool) error {
		if exists {
			t.Error("07 is back")
		}
		d.N = 77
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := docs.Delete(t.Context(), "00"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0777 true", "000 false"} {
		if got := <-changes; got != want {
			t.Errorf("change %q, want %q", got, want)
		}
	}
}

func TestPackages(t *testing.T) {
	s := open(t, t.TempDir())
	packages, err := store.OpenPackages(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	wanted := func(sums ...string) func() map[string]int64 {
		return func() map[string]int64 {
			sizes := map[string]int64{}
			for _, sum := range sums {
				sizes[sum] = 1
			}
			return sizes
		}
	}
	if err := packages.Keep(t.Context(), wanted(), 0); err != nil {
		t.Errorf("keep of nothing: %v", err)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // several chunks
	var wg sync.WaitGroup
	for range 8 { // one package, written by many at once
		wg.Go(func() {
			if sum, err := packages.Put(t.Context(), big); err != nil || sum != store.Sum(big) {
				t.Errorf("%s, %v", sum, err)
			}
		})
	}
	wg.Wait()
	stream, err := s.JetStream().Stream(t.Context(), "OBJ_packages")
	if err != nil {
		t.Fatal(err)
	}
	if bytes := stream.CachedInfo().State.Bytes; bytes > uint64(len(big))*3/2 {
		t.Errorf("one package of %d bytes takes %d", len(big), bytes)
	}
	if got, err := packages.Get(t.Context(), store.Sum(big)); err != nil || !bytes.Equal(got, big) {
		t.Errorf("read back %d bytes, %v", len(got), err)
	}
	if _, err := packages.Get(t.Context(), store.Sum(nil)); !errors.Is(err, store.ErrNoPackage) {
		t.Errorf("%v", err)
	}
	other, err := packages.Put(t.Context(), []byte("other"))
	if err != nil {
		t.Fatal(err)
	}
	// What has just been stored may be wanted any moment.
	if err := packages.Keep(t.Context(), wanted(other), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got, err := packages.Get(t.Context(), store.Sum(big)); err != nil || !bytes.Equal(got, big) {
		t.Errorf("just stored, but gone: %v", err)
	}
	if err := packages.Keep(t.Context(), wanted(other), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := packages.Get(t.Context(), store.Sum(big)); !errors.Is(err, store.ErrNoPackage) {
		t.Errorf("unwanted, but still there: %v", err)
	}
	if got, err := packages.Get(t.Context(), other); err != nil || string(got) != "other" {
		t.Errorf("%q, %v", got, err)
	}
	if store.SumOfHex(store.HexSum(other)) != other {
		t.Error("HexSum does not go back")
	}
}

// A stream can have more consumers than the server's default of 1,000: there is
// one for each function with events.
func TestManyConsumers(t *testing.T) {
	s := open(t, t.TempDir())
	stream, err := s.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Storage: jetstream.MemoryStorage})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1010 {
		subject := fmt.Sprintf("events.%d", i)
		config := jetstream.ConsumerConfig{FilterSubject: subject, AckPolicy: jetstream.AckExplicitPolicy, InactiveThreshold: time.Hour}
		if _, err := stream.CreateConsumer(t.Context(), config); err != nil {
			t.Fatalf("consumer %d: %v", i, err)
		}
	}
}
