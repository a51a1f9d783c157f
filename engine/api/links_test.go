package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Spec api F.10.6: a link works for ten minutes, and only as it was given out.
func TestLinks(t *testing.T) {
	s, err := store.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	packages, err := store.OpenPackages(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := packages.Put(t.Context(), []byte("package"))
	if err != nil {
		t.Fatal(err)
	}
	issued := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	now := issued
	links := &Links{Key: []byte("secret"), Packages: packages, Now: func() time.Time { return now }}
	link := links.URL("http://127.0.0.1:4574", store.HexSum(sum), issued)
	for _, c := range []struct {
		link   string
		after  time.Duration
		status int
	}{
		{link, 0, http.StatusOK},
		{link, 10 * time.Minute, http.StatusOK},
		{link, 10*time.Minute + time.Second, http.StatusForbidden},
		{strings.Replace(link, "Expires=", "Expires=1", 1), 0, http.StatusForbidden},
		{strings.Replace(link, "Signature=", "Signature=0", 1), 0, http.StatusForbidden},
		{strings.Replace(link, "Expires=", "Expired=", 1), 0, http.StatusForbidden},
		{links.URL("http://127.0.0.1:4574", store.HexSum(store.Sum([]byte("another"))), issued), 0, http.StatusNotFound},
	} {
		now = issued.Add(c.after)
		w := httptest.NewRecorder()
		links.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.link, nil))
		if w.Code != c.status || c.status == http.StatusOK && w.Body.String() != "package" {
			t.Errorf("%s after %v: %d %s", c.link, c.after, w.Code, w.Body)
		}
	}
}
