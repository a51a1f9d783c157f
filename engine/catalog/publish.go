package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"
)

// Publish freezes $LATEST of f as the next version, and writes the version's
// document; the caller then writes f. When nothing that a version freezes has
// changed since the last publication, it returns that version and changes nothing
// (R13). description, when not nil, replaces the one of $LATEST.
func (c *Catalog) Publish(ctx context.Context, f *Function, description *string) (version Version, published bool, err error) {
	if n := len(f.Versions); n > 0 {
		last, ok := c.versions.Get(f.Versions[n-1].Key)
		if ok && sameContent(last.Config, f.Latest.Config) {
			return last, false, nil
		}
	}
	if err := c.room(f.Scope, f.Latest.Config.CodeSize); err != nil {
		return Version{}, false, err
	}
	f.Touch()
	version = f.Latest
	number := f.nextVersion()
	version.Config.Version = &number
	version.Config.RevisionId = newID()
	rest(&version.Config)
	version.Generation = uuid.NewString()
	if description != nil {
		version.Config.Description = description
	}
	if snap := version.Config.SnapStart; snap != nil && snap.ApplyOn == types.SnapStartApplyOnPublishedVersions {
		version.Config.SnapStart = &types.SnapStartResponse{ApplyOn: snap.ApplyOn, OptimizationStatus: types.SnapStartOptimizationStatusOn}
	}
	// A key of its own: two publishers may race for one number, and the loser's
	// document must not end up under the winner's reference.
	ref := VersionRef{Number: number, Key: f.Ref().key() + "." + number + "." + uuid.NewString()}
	if err := c.versions.Put(ctx, ref.Key, version); err != nil {
		return Version{}, false, err
	}
	f.Versions = append(f.Versions, ref)
	return version, true, nil
}

func sameContent(a, b types.FunctionConfiguration) bool {
	return *a.CodeSha256 == *b.CodeSha256 && *a.ConfigSha256 == *b.ConfigSha256
}

// Seal sets ConfigSha256 of $LATEST to a hash over everything that a version
// freezes but the code. It must be called after every change of the configuration.
func (f *Function) Seal() error {
	frozen := f.Latest.Config
	rest(&frozen)
	frozen.CodeSha256, frozen.ConfigSha256, frozen.CodeSize = nil, nil, 0
	frozen.RevisionId, frozen.LastModified, frozen.Version = nil, nil, nil
	raw, err := json.Marshal(frozen)
	if err != nil {
		return fmt.Errorf("hash configuration of %s: %w", f.Name, err)
	}
	sum := sha256.Sum256(raw)
	hash := base64.StdEncoding.EncodeToString(sum[:])
	f.Latest.Config.ConfigSha256 = &hash
	return nil
}
