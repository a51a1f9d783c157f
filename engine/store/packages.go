package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/singleflight"
)

// Packages holds code packages under the SHA-256 of their bytes, each once.
type Packages struct {
	objects jetstream.ObjectStore
	putting singleflight.Group // by name: two writers of one object would leave chunks of nobody's
}

// ErrNoPackage says that no package has the hash asked for.
var ErrNoPackage = errors.New("no such code package")

// OpenPackages opens the object store of code packages.
func OpenPackages(ctx context.Context, s *Store) (*Packages, error) {
	objects, err := s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "packages", Storage: jetstream.FileStorage})
	if err != nil {
		return nil, fmt.Errorf("open package store: %w", err)
	}
	return &Packages{objects: objects}, nil
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
	_, err, _ := p.putting.Do(name, func() (any, error) {
		if _, err := p.objects.GetInfo(ctx, name); err == nil {
			return nil, nil
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

// Keep deletes every package whose Sum keep does not want. Nobody may store a
// package meanwhile: call it before serving.
func (p *Packages) Keep(ctx context.Context, keep func(sum string) bool) error {
	all, err := p.objects.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list code packages: %w", err)
	}
	for _, info := range all {
		if sum, err := hex.DecodeString(info.Name); err == nil && keep(base64.StdEncoding.EncodeToString(sum)) {
			continue
		}
		if err := p.objects.Delete(ctx, info.Name); err != nil {
			return fmt.Errorf("delete code package %s: %w", info.Name, err)
		}
	}
	return nil
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
