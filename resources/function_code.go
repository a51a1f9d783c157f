package resources

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// local reports whether the code is on this machine: in a directory or an
// archive whose hash can be computed.
func (m *functionModel) local() bool {
	return !m.SourceDir.IsNull() || !m.Filename.IsNull()
}

// codeAttribute returns the attribute that says where the code is.
func (m *functionModel) codeAttribute() path.Path {
	switch {
	case !m.SourceDir.IsNull():
		return path.Root("source_dir")
	case !m.Filename.IsNull():
		return path.Root("filename")
	case !m.ImageURI.IsNull():
		return path.Root("image_uri")
	}
	return path.Root("s3_bucket")
}

func (m *functionModel) directory(ctx context.Context, diags *diag.Diagnostics) packaging.Directory {
	return packaging.Directory{Path: m.SourceDir.ValueString(), Excludes: texts(ctx, m.SourceExcludes, diags)}
}

// digest computes the digest of the code on this machine. The error is
// fs.ErrNotExist if the code is not there.
func (m *functionModel) digest(ctx context.Context, diags *diag.Diagnostics) (packaging.Digest, error) {
	if !m.SourceDir.IsNull() {
		if _, err := os.Stat(m.SourceDir.ValueString()); err != nil {
			return packaging.Digest{}, err
		}
		return m.directory(ctx, diags).Digest(ctx)
	}
	return packaging.FileDigest(m.Filename.ValueString())
}

// code returns the code to send, or where Lambda finds it. It fails if what is
// on this machine is not what was planned.
func (m *functionModel) code(ctx context.Context, diags *diag.Diagnostics) *types.FunctionCode {
	code := &types.FunctionCode{SourceKMSKeyArn: optionalText(m.SourceKMSKeyARN)}
	var err error
	switch {
	case !m.SourceDir.IsNull():
		var b bytes.Buffer
		_, err = m.directory(ctx, diags).Archive(ctx, &b)
		code.ZipFile = b.Bytes()
	case !m.Filename.IsNull():
		code.ZipFile, err = os.ReadFile(m.Filename.ValueString())
	case !m.ImageURI.IsNull():
		code.ImageUri = optionalText(m.ImageURI)
		return code
	default:
		code.S3Bucket, code.S3Key, code.S3ObjectVersion = optionalText(m.S3Bucket), optionalText(m.S3Key), optionalText(m.S3ObjectVersion)
		return code
	}
	if err != nil {
		diags.AddAttributeError(m.codeAttribute(), "Cannot read the code", err.Error())
		return nil
	}
	if got := packaging.BytesDigest(code.ZipFile); !m.CodeSHA256.IsUnknown() && got.SHA256 != m.CodeSHA256.ValueString() {
		diags.AddAttributeError(m.codeAttribute(), "The code changed after it was planned",
			fmt.Sprintf("The plan is for code with the SHA-256 %s, but now it has %s. Plan and apply again.", m.CodeSHA256.ValueString(), got.SHA256))
		return nil
	}
	return code
}

// checkHandler adds an error if the package lacks the file that the handler names.
func (m *functionModel) checkHandler(diags *diag.Diagnostics) {
	if m.Runtime.ValueString() == "" || m.Handler.ValueString() == "" || m.Layers.IsUnknown() || len(m.Layers.Elements()) > 0 {
		return // nothing to check yet, or a layer may have the handler
	}
	var pkg fs.FS
	if !m.SourceDir.IsNull() {
		pkg = os.DirFS(m.SourceDir.ValueString())
	} else {
		archive, err := zip.OpenReader(m.Filename.ValueString())
		if err != nil {
			diags.AddAttributeError(path.Root("filename"), "Not a zip archive", fmt.Sprintf("%s: %s.", m.Filename.ValueString(), err))
			return
		}
		defer archive.Close()
		pkg = archive
	}
	err := packaging.CheckHandler(pkg, m.Runtime.ValueString(), m.Handler.ValueString())
	var handler *packaging.HandlerError
	if errors.As(err, &handler) {
		diags.AddAttributeError(path.Root("handler"), "The runtime will not find the handler", handler.Reason)
	}
}

// configurationHash is a hash of the configuration that a version freezes, for
// where the API has none.
func (m *functionModel) configurationHash(ctx context.Context, diags *diag.Diagnostics) string {
	b, err := json.Marshal(m.configuration(ctx, diags))
	if err != nil {
		diags.AddError("Cannot hash the configuration", err.Error())
	}
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}
