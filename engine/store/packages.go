package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/singleflight"
)

// Packages holds code packages under the SHA-256 of their bytes, each once.
type Packages struct {
	store   *Store
	objects jetstream.ObjectStore
	putting singleflight.Group // by name: two writers of one object would leave chunks of nobody's

	sweeping sync.RWMutex // held for writing while one is deleted
	mu       sync.Mutex
	lease    map[string]time.Time // by name: when Put has last returned it
}

// ErrNoPackage says that no package has the hash asked for.
var ErrNoPackage = errors.New("no such code package")

// OpenPackages opens the object store of code packages.
func OpenPackages(ctx context.Context, s *Store) (*Packages, error) {
	objects, err := s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "packages", Storage: jetstream.FileStorage})
	if err != nil {
		return nil, fmt.Errorf("open package store: %w", err)
	}
	return &Packages{store: s, objects: objects, lease: map[string]time.Time{}}, nil
}

// Sum returns the hash of a package as AWS writes it: base64 of SHA-256.
func Sum(pkg []byte) string {
	sum := sha256.Sum256(pkg)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Put stores pkg, unless it is there already, and returns its Sum.
func (p *Packages) Put(ctx context.Context, pkg []byte) (string, error) {
	sum := Sum(pkg)
	name := HexSum(sum)
	ctx = context.WithoutCancel(ctx) // the write is also that of others who wait for it
	p.sweeping.RLock()
	defer p.sweeping.RUnlock()
	p.mu.Lock()
	p.lease[name] = time.Now()
	p.mu.Unlock()
	_, err, _ := p.putting.Do(name, func() (any, error) {
		if _, err := p.objects.GetInfo(ctx, name); err == nil {
			return nil, nil
		}
		if err := p.store.Room(len(pkg)); err != nil {
			return nil, err
		}
		return p.objects.Put(ctx, jetstream.ObjectMeta{Name: name}, bytes.NewReader(pkg))
	})
	if err != nil {
		return "", fmt.Errorf("store code package: %w", err)
	}
	return sum, nil
}

// Get returns the package whose Sum is given, or ErrNoPackage.
func (p *Packages) Get(ctx context.Context, sum string) ([]byte, error) {
	pkg, err := p.objects.GetBytes(ctx, HexSum(sum))
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, ErrNoPackage
	}
	if err != nil {
		return nil, fmt.Errorf("read code package: %w", err)
	}
	return pkg, nil
}

// Keep deletes every package whose Sum wanted does not have, unless Put has returned it
// within the last while: whoever stored it may not have said yet what it is for.
func (p *Packages) Keep(ctx context.Context, wanted func() map[string]int64, while time.Duration) error {
	all, err := p.objects.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list code packages: %w", err)
	}
	keep := wanted() // later than the list: what was stored since is not in it
	for _, info := range all {
		if _, ok := keep[SumOfHex(info.Name)]; ok {
			continue
		}
		if err := p.drop(ctx, info.Name, while); err != nil {
			return fmt.Errorf("delete code package %s: %w", info.Name, err)
		}
	}
	return nil
}

func (p *Packages) drop(ctx context.Context, name string, while time.Duration) error {
	p.sweeping.Lock()
	defer p.sweeping.Unlock()
	if p.leased(name, while) {
		return nil
	}
	return p.objects.Delete(ctx, name)
}

func (p *Packages) leased(name string, while time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.lease[name]
	if ok && time.Since(at) >= while {
		delete(p.lease, name)
		ok = false
	}
	return ok
}

// HexSum turns a Sum into hexadecimal: the name of a package's directory on disk.
func HexSum(sum string) string {
	raw, _ := base64.StdEncoding.DecodeString(sum)
	return hex.EncodeToString(raw)
}

// SumOfHex is the reverse of HexSum.
func SumOfHex(name string) string {
	raw, _ := hex.DecodeString(name)
	return base64.StdEncoding.EncodeToString(raw)
}
