package api

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Limits of code packages in bytes (spec api §A.4).
const (
	maxZipped   = 52428800
	maxUnzipped = 262144000
)

// UpdateFunctionCode implements spec api §A.23.
func (s *Service) UpdateFunctionCode(ctx context.Context, in *lambda.UpdateFunctionCodeInput) (*lambda.UpdateFunctionCodeOutput, error) {
	r, err := latestRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	current, err := s.Catalog.Function(r)
	if err != nil {
		return nil, err
	}
	if err := unsupported(map[string]bool{"PublishTo": in.PublishTo != ""}); err != nil {
		return nil, err
	}
	if err := s.Catalog.CheckSignature(r.Scope, current.CodeSigningConfig); err != nil {
		return nil, err
	}
	given := codeInput{zip: in.ZipFile, bucket: in.S3Bucket, key: in.S3Key, image: in.ImageUri}
	code, size, err := s.storeCode(ctx, given, current.Latest.Config.PackageType)
	if err != nil {
		return nil, err
	}
	var published *catalog.Version
	change := func(f *catalog.Function) error {
		if err := f.CheckChangeable(in.RevisionId); err != nil {
			return err
		}
		setCode(&f.Latest, code, size)
		if len(in.Architectures) > 0 {
			f.Latest.Config.Architectures = in.Architectures
		}
		return s.seal(ctx, f, in.Publish && !in.DryRun, &published)
	}
	if in.DryRun {
		if err := change(&current); err != nil {
			return nil, err
		}
		current.Settle(nil) // nothing is in progress
		return answer[lambda.UpdateFunctionCodeOutput](current.Latest.Config), nil
	}
	f, err := s.Catalog.Change(ctx, r, change)
	if err != nil {
		return nil, err
	}
	s.Invoker.Settle(f)
	if published == nil {
		return answer[lambda.UpdateFunctionCodeOutput](f.Latest.Config), nil
	}
	config := catalog.Pending(published.Config)
	config.FunctionArn = ptr(r.With(*config.Version).ARN())
	return answer[lambda.UpdateFunctionCodeOutput](config), nil
}

// codeInput is the code that a request brings, in whichever way.
type codeInput struct {
	zip                []byte
	bucket, key, image *string
}

// storeCode checks the code of a request and stores it; nothing refers to it yet.
func (s *Service) storeCode(ctx context.Context, in codeInput, kind types.PackageType) (catalog.Code, int64, error) {
	if kind == types.PackageTypeImage {
		if value(in.image) == "" {
			return catalog.Code{}, 0, catalog.Invalid("Please provide ImageUri when updating a function with packageType Image.")
		}
		if s.Invoker.Driver.Name() != "docker" {
			return catalog.Code{}, 0, catalog.Invalid("Functions of package type Image need the docker driver, and this engine has the %s driver. Start it with --driver docker.", s.Invoker.Driver.Name())
		}
		return catalog.Code{ImageURI: *in.image}, 0, nil
	}
	hasS3 := value(in.bucket) != "" || value(in.key) != ""
	switch {
	case in.image != nil:
		return catalog.Code{}, 0, catalog.Invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	case len(in.zip) > 0 && hasS3:
		return catalog.Code{}, 0, catalog.Invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case hasS3:
		return catalog.Code{}, 0, catalog.Invalid("Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist (the engine has no S3 yet: use ZipFile)")
	case len(in.zip) == 0:
		return catalog.Code{}, 0, catalog.Invalid("Please provide a source for function code: ZipFile, or S3Bucket and S3Key.")
	}
	if err := checkZip(in.zip); err != nil {
		return catalog.Code{}, 0, err
	}
	sum, err := s.Packages.Put(ctx, in.zip)
	return catalog.Code{Sum: sum}, int64(len(in.zip)), err
}

func checkZip(pkg []byte) error {
	if len(pkg) > maxZipped {
		return &wire.Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("Zipped size must be smaller than %d bytes", maxZipped)}
	}
	archive, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		return catalog.Invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	var unzipped uint64
	for _, file := range archive.File {
		unzipped += file.UncompressedSize64
		if !unzippable(file.Name) {
			return catalog.Invalid("Could not unzip uploaded file. Please check your file, then try to upload again. Its entry %q cannot be written.", file.Name)
		}
	}
	if unzipped > maxUnzipped {
		return catalog.Invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
	}
	return nil
}

// unzippable tells whether a name stays inside the directory that it is unpacked
// to, and is short enough for a file system.
func unzippable(name string) bool {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) > 255 })
}

func setCode(v *catalog.Version, code catalog.Code, size int64) {
	v.Code = code
	v.Config.CodeSize = size
	v.Config.CodeSha256 = &code.Sum
	if code.ImageURI != "" { // AWS gives the hex digest of the image
		sum := sha256.Sum256([]byte(code.ImageURI))
		v.Config.CodeSha256 = ptr(hex.EncodeToString(sum[:]))
	}
}

// codeLocation tells where the code of a version can be downloaded for ten minutes.
func (s *Service) codeLocation(v catalog.Version) *types.FunctionCodeLocation {
	if v.Code.ImageURI != "" {
		return &types.FunctionCodeLocation{RepositoryType: ptr("ECR"), ImageUri: &v.Code.ImageURI, ResolvedImageUri: &v.Code.ImageURI}
	}
	return &types.FunctionCodeLocation{RepositoryType: ptr("S3"), Location: ptr(s.Links.URL(store.HexSum(v.Code.Sum), s.Now()))}
}
