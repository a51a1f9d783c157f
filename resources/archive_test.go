package resources_test

import (
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// archive packs a directory.
func archive(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := (packaging.Directory{Path: dir}).Archive(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipCode(t *testing.T, dir string) *types.FunctionCode {
	t.Helper()
	return &types.FunctionCode{ZipFile: archive(t, dir)}
}
