package sources

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

func TestSequenceOrder(t *testing.T) {
	for _, c := range []struct{ a, b string }{{"1", ""}, {"2", "1"}, {"10", "9"}, {"000000000000000000010", "9"}, {"49600000000000000000000000000000000000000000000000000002", "49600000000000000000000000000000000000000000000000000001"}} {
		if !after(c.a, c.b) || after(c.b, c.a) {
			t.Errorf("%q is not behind %q", c.a, c.b)
		}
	}
	if after("007", "7") || after("7", "007") {
		t.Error("zeros in front matter")
	}
}

// However often an engine is killed, and whatever becomes of the ParallelizationFactor
// meanwhile, every record is done, those of a key in their order, and only those again
// that were under way.
func TestCheckpointsThroughKills(t *testing.T) {
	st, err := store.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	table, err := store.OpenTable[Checkpoint](t.Context(), st, "checkpoints", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test's dice
			throughKills(t, table, fmt.Sprint(seed), dice)
		})
	}
}

func throughKills(t *testing.T, table *store.Table[Checkpoint], key string, dice *rand.Rand) {
	shard := make([]record, 150)
	for i := range shard {
		shard[i] = record{sequence: fmt.Sprint(i + 1), key: fmt.Sprint(dice.IntN(12))}
	}
	if err := table.Put(t.Context(), key, Checkpoint{Owner: "e"}); err != nil {
		t.Fatal(err)
	}
	done := make([]int, len(shard))
	last := map[string]int{} // by key, the number of the newest record that was done
	for life := 0; ; life++ {
		doc, _ := table.Get(key)
		lanes := 1 + dice.IntN(5)
		p := newProgress(table, key, "e", doc, lanes)
		queues := make([][]int, lanes)
		from := 0
		for from < len(shard) && !after(shard[from].sequence, doc.from()) {
			from++
		}
		for next, steps := from, dice.IntN(120); steps > 0 || life > 30; steps-- {
			if next < len(shard) && dice.IntN(2) == 0 {
				r := &shard[next]
				lane := laneOf(r.key, lanes)
				if p.begin(r, lane) {
					queues[lane] = append(queues[lane], next)
				} else if done[next] == 0 {
					t.Fatalf("record %d is taken for done", next+1)
				}
				next++
				continue
			}
			lane := dice.IntN(lanes)
			n := min(len(queues[lane]), 1+dice.IntN(4))
			batch := make([]record, n)
			for i, at := range queues[lane][:n] {
				batch[i] = shard[at]
				done[at]++
				if at+1 > last[batch[i].key] {
					last[batch[i].key] = at + 1
				} else if done[at] == 1 {
					t.Fatalf("record %d is done behind %d", at+1, last[batch[i].key])
				}
			}
			queues[lane] = queues[lane][n:]
			if n > 0 {
				if err := p.done(t.Context(), lane, batch, nil); err != nil {
					t.Fatal(err)
				}
			}
			if _, pending := p.position(); life > 30 && next == len(shard) && pending == 0 {
				check(t, done)
				return
			}
		}
	}
}

// check tells of records that were not done exactly once: each was written down in the
// same step in which it was done, so that no kill came between.
func check(t *testing.T, done []int) {
	for i, n := range done {
		if n != 1 {
			t.Errorf("record %d was done %d times", i+1, n)
		}
	}
}
