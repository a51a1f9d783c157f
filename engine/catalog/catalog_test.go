package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

var f = catalog.Ref{Scope: catalog.Scope{Account: "123456789012", Region: "us-west-2"}, Name: "f"}

// open opens a catalog; end ends it and its store.
func open(t *testing.T, dir string) (c *catalog.Catalog, end func()) {
	t.Helper()
	s, err := store.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err = catalog.Open(t.Context(), s, catalog.Today(), catalog.Listener{})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	end = func() { once.Do(func() { c.Close(); s.Close() }) }
	t.Cleanup(end)
	return c, end
}

func fill(sum string) func(*catalog.Function) error {
	return func(f *catalog.Function) error {
		f.Latest.Code.Sum = sum
		f.Latest.Config = types.FunctionConfiguration{CodeSha256: &sum, Version: aws.String(catalog.LatestVersion)}
		f.Changed(time.Now())
		return f.Seal()
	}
}

func publish(ctx context.Context, c *catalog.Catalog, sum string) (number string, err error) {
	_, err = c.Change(ctx, f, func(doc *catalog.Function) error {
		if err := fill(sum)(doc); err != nil {
			return err
		}
		v, _, err := c.Publish(ctx, doc, nil)
		number = aws.ToString(v.Config.Version)
		return err
	})
	return number, err
}

// What a writer did in its last moments is either there or swept away.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	c, closeCatalog := open(t, dir)
	if _, err := c.Create(t.Context(), f, fill("one")); err != nil {
		t.Fatal(err)
	}
	if _, err := publish(t.Context(), c, "one"); err != nil {
		t.Fatal(err)
	}
	killed := errors.New("killed")
	if _, err := c.Change(t.Context(), f, func(doc *catalog.Function) error {
		if err := fill("two")(doc); err != nil {
			return err
		}
		if _, _, err := c.Publish(t.Context(), doc, nil); err != nil {
			return err
		}
		return killed // after the version was written, before the function names it
	}); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	used := func() []string { return slices.Sorted(maps.Keys(c.Packages())) }
	if got := used(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("packages in use before the sweep: %v", got)
	}
	closeCatalog()
	c, _ = open(t, dir)
	if got := used(); !slices.Equal(got, []string{"one"}) {
		t.Errorf("packages in use after the sweep: %v", got)
	}
	doc, err := c.Function(f)
	if err != nil || len(doc.Versions) != 1 {
		t.Fatalf("%+v, %v", doc.Versions, err)
	}
	if v, err := c.Version(doc, "1"); err != nil || *v.Config.CodeSha256 != "one" {
		t.Errorf("%v", err)
	}
	if number, err := publish(t.Context(), c, "two"); err != nil || number != "2" {
		t.Errorf("published %s, %v", number, err)
	}
}

// While versions come and go, whoever reads gets a whole version or is told that there is none.
func TestReadersDuringDeletion(t *testing.T) {
	c, _ := open(t, t.TempDir())
	if _, err := c.Create(t.Context(), f, fill("0")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				doc, err := c.Function(f)
				if err != nil {
					continue // deleted at the moment
				}
				for _, ref := range doc.Versions {
					_, err := c.Version(doc, ref.Number)
					var missing *types.ResourceNotFoundException
					if err != nil && !errors.As(err, &missing) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	last := ""
	for i := range 50 {
		number, err := publish(t.Context(), c, fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		if number == last {
			t.Errorf("number %s twice", number)
		}
		last = number
		if i%5 == 4 {
			if err := c.Delete(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Create(t.Context(), f, fill("0")); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := c.DeleteVersion(t.Context(), f, number); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	readers.Wait()
	if last != "50" {
		t.Errorf("the last number is %s", last)
	}
}
