package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// linkLife is how long a download link works (spec api §A.10).
const linkLife = 10 * time.Minute

// Links signs and serves the download links of code packages.
type Links struct {
	Key      []byte // secret of this engine
	Packages *store.Packages
	Now      func() time.Time
}

// LinkPath is the path that ServeHTTP is to be mounted at.
const LinkPath = "/_engine/code/"

// URL returns a link to the package with the given hexadecimal hash on the engine at
// base, such as http://127.0.0.1:4574.
func (l *Links) URL(base, hash string, now time.Time) string {
	expires := now.Add(linkLife).Unix()
	return fmt.Sprintf("%s%s%s?Expires=%d&Signature=%s", base, LinkPath, hash, expires, l.sign(hash, expires))
}

func (l *Links) sign(hash string, expires int64) string {
	mac := hmac.New(sha256.New, l.Key)
	fmt.Fprintf(mac, "%s %d", hash, expires)
	return hex.EncodeToString(mac.Sum(nil))
}

// ServeHTTP answers a link of URL with the package.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hash := r.URL.Path[len(LinkPath):]
	expires, err := strconv.ParseInt(r.URL.Query().Get("Expires"), 10, 64)
	signature := r.URL.Query().Get("Signature")
	if err != nil || !hmac.Equal([]byte(signature), []byte(l.sign(hash, expires))) || l.Now().Unix() > expires {
		http.Error(w, "This link is not valid or has expired: call GetFunction for a new one.", http.StatusForbidden)
		return
	}
	pkg, err := l.Packages.Get(r.Context(), store.SumOfHex(hash))
	if err != nil {
		http.Error(w, "The package is gone: its function was deleted or changed.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(pkg)
}
