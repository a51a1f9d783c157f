package api

import (
	"archive/zip"
	"bytes"
	"context"
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

// maxZipped limits code packages that are sent along, in bytes (spec api §A.4).
const maxZipped = 52428800

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
	given := codeInput{
		zip: in.ZipFile, bucket: in.S3Bucket, key: in.S3Key, version: in.S3ObjectVersion,
		mode: in.S3ObjectStorageMode, image: in.ImageUri,
	}
	architectures := current.Latest.Config.Architectures
	if len(in.Architectures) > 0 {
		architectures = in.Architectures
	}
	code, err := s.storeCode(ctx, given, current.Latest.Config.PackageType, architectures)
	if err != nil {
		return nil, err
	}
	var published *catalog.Version
	change := func(f *catalog.Function) error {
		if err := f.CheckChangeable(in.RevisionId); err != nil {
			return err
		}
		setCode(&f.Latest, code)
		f.Latest.Config.Architectures = architectures
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
	zip                  []byte
	bucket, key, version *string // of an object in S3
	mode                 types.S3ObjectStorageMode
	image                *string
}

// storeCode checks the code of a request and stores it; nothing refers to it yet.
func (s *Service) storeCode(ctx context.Context, in codeInput, kind types.PackageType, architectures []types.Architecture) (catalog.Code, error) {
	if kind == types.PackageTypeImage {
		if value(in.image) != "" && (in.zip != nil || value(in.bucket) != "" || value(in.key) != "") {
			return catalog.Code{}, catalog.Invalid("Please do not provide other FunctionCode parameters when providing an ImageUri.")
		}
		return s.resolveImage(ctx, value(in.image), architectures)
	}
	if in.image != nil {
		return catalog.Code{}, catalog.Invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	}
	return s.storePackage(ctx, in)
}

// storePackage checks a zip, sent along or in S3, and stores it.
func (s *Service) storePackage(ctx context.Context, in codeInput) (catalog.Code, error) {
	if err := unsupported(map[string]bool{"S3ObjectStorageMode": in.mode != ""}); err != nil {
		return catalog.Code{}, err
	}
	inS3 := value(in.bucket) != "" || value(in.key) != ""
	pkg := in.zip
	switch {
	case len(pkg) > 0 && inS3:
		return catalog.Code{}, catalog.Invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case inS3:
		var err error
		if pkg, err = s.readObject(ctx, in); err != nil {
			return catalog.Code{}, err
		}
	case pkg == nil:
		return catalog.Code{}, catalog.Invalid("Please provide a source for function code: ZipFile, or S3Bucket and S3Key.")
	case len(pkg) > maxZipped:
		return catalog.Code{}, &wire.Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("Zipped size must be smaller than %d bytes", maxZipped)}
	}
	unzipped, err := checkZip(pkg)
	if err != nil {
		return catalog.Code{}, err
	}
	sum, err := s.Packages.Put(ctx, pkg)
	return catalog.Code{Sum: sum, Size: int64(len(pkg)), Unzipped: unzipped}, err
}

// checkZip tells the size of the files in a package, if it can be unpacked.
func checkZip(pkg []byte) (int64, error) {
	archive, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	switch {
	case len(pkg) == 0 || err == nil && len(archive.File) == 0:
		return 0, catalog.Invalid("Uploaded file must be a non-empty zip")
	case err != nil:
		return 0, catalog.Invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	var unzipped uint64
	for _, file := range archive.File {
		if !unzippable(file.Name) {
			return 0, catalog.Invalid("Could not unzip uploaded file. Please check your file, then try to upload again. Its entry %q cannot be written.", file.Name)
		}
		if unzipped += file.UncompressedSize64; unzipped > catalog.MaxUnzipped || file.UncompressedSize64 > catalog.MaxUnzipped {
			return 0, errTooLarge()
		}
	}
	return int64(unzipped), nil
}

func errTooLarge() error {
	return catalog.Invalid("Unzipped size must be smaller than %d bytes", catalog.MaxUnzipped)
}

// checkSize refuses code that is too large together with its layers.
func checkSize(v catalog.Version) error {
	size := v.Code.Unzipped
	for _, layer := range v.Layers {
		size += layer.Unzipped
	}
	if size > catalog.MaxUnzipped {
		return catalog.Invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", catalog.MaxUnzipped, size)
	}
	return nil
}

// maxPath is how long the name of a file in a package can be: with that of the
// directory that it is unpacked to, it must be short enough for Linux.
const maxPath = 2048

// unzippable tells whether a name stays inside the directory that it is unpacked
// to, and is short enough for a file system.
func unzippable(name string) bool {
	if len(name) > maxPath || !filepath.IsLocal(filepath.FromSlash(name)) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) > 255 })
}

func setCode(v *catalog.Version, code catalog.Code) {
	v.Code = code
	v.Config.CodeSize = code.Size
	v.Config.CodeSha256 = &code.Sum
	if _, digest, ok := strings.Cut(code.Resolved, "@sha256:"); ok {
		v.Config.CodeSha256 = &digest
	}
}

// codeLocation tells where the code of a version can be downloaded for ten minutes.
func (s *Service) codeLocation(ctx context.Context, v catalog.Version) *types.FunctionCodeLocation {
	if v.Code.ImageURI != "" {
		return &types.FunctionCodeLocation{RepositoryType: ptr("ECR"), ImageUri: &v.Code.ImageURI, ResolvedImageUri: &v.Code.Resolved}
	}
	return &types.FunctionCodeLocation{RepositoryType: ptr("S3"), Location: ptr(s.link(ctx, v.Code))}
}

// link leads to where the caller has found the engine, which may listen on many addresses.
func (s *Service) link(ctx context.Context, code catalog.Code) string {
	return s.Links.URL("http://"+wire.CallerFrom(ctx).Host, store.HexSum(code.Sum), s.Now())
}
