package invoke

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// BenchmarkMeter is what metrics add to one call through an alias.
func BenchmarkMeter(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	js, err := store.Open(filepath.Join(b.TempDir(), "js"), log)
	if err != nil {
		b.Fatal(err)
	}
	defer js.Close()
	kept, err := metrics.Open(b.Context(), js, time.Now, log)
	if err != nil {
		b.Fatal(err)
	}
	defer kept.Close()
	m := newMeter(kept, nil, false)
	ref := catalog.Ref{Scope: catalog.Scope{Account: "123456789012", Region: "eu-west-1"}, Name: "f", Qualifier: "PROD"}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			now := time.Now()
			m.load(ref, now, load{1, 1, 1})
			m.finished(ref, "2", now, measured{ran: true, duration: time.Duration(i%1000) * 10 * time.Microsecond})
		}
	})
}
