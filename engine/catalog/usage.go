package catalog

import (
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Usage is what the functions and layers of one account and region take up.
type Usage struct {
	Functions int
	CodeBytes int64 // of every $LATEST, every published version and every version of a layer
	Reserved  int   // sum of the reserved concurrency
}

// usage keeps the sums up to date, document by document, so that nothing that
// needs one has to read every function.
type usage struct {
	mu    sync.Mutex
	share map[string]Usage // by key of a document
	total map[Scope]Usage
}

func newUsage() *usage { return &usage{share: map[string]Usage{}, total: map[Scope]Usage{}} }

// set replaces what one document adds to the sums.
func (u *usage) set(key string, is Usage) {
	account, rest, _ := strings.Cut(key, ".")
	region, _, _ := strings.Cut(rest, ".")
	scope := Scope{Account: account, Region: region}
	u.mu.Lock()
	defer u.mu.Unlock()
	was, sum := u.share[key], u.total[scope]
	u.total[scope] = Usage{
		Functions: sum.Functions + is.Functions - was.Functions,
		CodeBytes: sum.CodeBytes + is.CodeBytes - was.CodeBytes,
		Reserved:  sum.Reserved + is.Reserved - was.Reserved,
	}
	if is == (Usage{}) {
		delete(u.share, key)
		return
	}
	u.share[key] = is
}

func (u *usage) of(scope Scope) Usage {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.total[scope]
}

// Usage tells what the functions and layers of scope take up now.
func (c *Catalog) Usage(scope Scope) Usage { return c.usage.of(scope) }

// room returns AWS's error if scope has no room for more bytes of code.
func (c *Catalog) room(scope Scope, more int64) error {
	if more <= 0 || c.usage.of(scope).CodeBytes+more <= c.Limits.CodeBytes {
		return nil
	}
	return &types.CodeStorageExceededException{Message: message("Code storage limit exceeded.", nil), Type: user()}
}

// usage is what a function's own document adds; nothing once it is deleted.
func (f *Function) usage() Usage {
	if !f.Exists() {
		return Usage{}
	}
	u := Usage{Functions: 1, CodeBytes: f.Latest.Config.CodeSize}
	if f.Reserved != nil {
		u.Reserved = int(*f.Reserved)
	}
	return u
}

// usage is what the versions of a layer add.
func (l Layer) usage() Usage {
	var u Usage
	for _, v := range l.Versions {
		u.CodeBytes += v.Code.Size
	}
	return u
}
