package resources

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

// s3 is a function with code in S3.
func s3(key, hash, deployed string) functionModel {
	m := functionModel{SourceExcludes: tf.ListNull(tf.StringType), S3Bucket: tf.StringValue("b"), S3Key: tf.StringValue(key), CodeSHA256: tf.StringNull(), SourceCodeHash: tf.StringNull()}
	if hash != "" {
		m.SourceCodeHash = tf.StringValue(hash)
	}
	if deployed != "" {
		m.CodeSHA256 = tf.StringValue(deployed)
	}
	return m
}

func TestPlanRemoteCode(t *testing.T) {
	imported := functionModel{SourceExcludes: tf.ListNull(tf.StringType), CodeSHA256: tf.StringValue("sha")}
	same := s3("k", "", "sha")
	hashed := s3("k", "h1", "sha")
	tests := map[string]struct {
		config functionModel
		was    *functionModel
		from   origin
		want   tf.String
	}{
		"created":                  {s3("k", "", ""), nil, origin{}, tf.StringUnknown()},
		"nothing changed":          {s3("k", "", ""), &same, origin{Code: "sha"}, tf.StringValue("sha")},
		"another key":              {s3("k2", "", ""), &same, origin{Code: "sha"}, tf.StringUnknown()},
		"another hash":             {s3("k", "h2", ""), &hashed, origin{Code: "sha"}, tf.StringUnknown()},
		"the same hash":            {s3("k", "h1", ""), &hashed, origin{Code: "sha"}, tf.StringValue("sha")},
		"deployed by someone else": {s3("k", "", ""), &same, origin{Code: "old"}, tf.StringUnknown()},
		"imported, unknown code":   {s3("k", "", ""), &imported, origin{Code: "sha", Imported: true}, tf.StringUnknown()},
		"imported, the same code":  {s3("k", "sha", ""), &imported, origin{Code: "sha", Imported: true}, tf.StringValue("sha")},
		"the hash is asked for":    {s3("k", "", "wanted"), &same, origin{Code: "sha"}, tf.StringValue("wanted")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.config.planRemoteCode(tt.was, tt.from); !got.Equal(tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNewer(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{{"2", "1", true}, {"1", "2", false}, {"10", "9", true}, {"9", "10", false}, {"1", latest, true}, {latest, "1", false}, {"3", "3", false}}
	for _, tt := range tests {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func apiError(code, message string) error {
	return &smithy.OperationError{OperationName: "CreateFunction", Err: &smithy.GenericAPIError{Code: code, Message: message}}
}

func TestReportBlamesTheAttribute(t *testing.T) {
	tests := map[string]struct {
		err  error
		want path.Path
	}{
		"a member":         {apiError("ValidationException", "1 validation error detected: Value '1' at 'memorySize' failed to satisfy constraint: x"), path.Root("memory_size")},
		"a nested member":  {apiError("ValidationException", "Value '' at 'environment.variables' failed to satisfy constraint: x"), path.Root("environment")},
		"a text":           {apiError("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."), path.Root("role")},
		"the code":         {apiError("InvalidParameterValueException", "Could not unzip uploaded file."), path.Root("source_dir")},
		"nothing":          {apiError("TooManyRequestsException", "Rate exceeded"), path.Empty()},
		"not from the API": {errors.New("memory"), path.Empty()},
	}
	m := functionModel{SourceDir: tf.StringValue("src")}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			report(&diags, "Creating", tt.err, m.blames()...)
			at := path.Empty()
			if d, ok := diags[0].(diag.DiagnosticWithPath); ok {
				at = d.Path()
			}
			if !at.Equal(tt.want) {
				t.Errorf("blamed %q, want %q", at, tt.want)
			}
		})
	}
}

func TestRetry(t *testing.T) {
	passing := apiError("ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: x")
	tests := map[string]struct {
		errs  []error
		calls int
		fails bool
	}{
		"at once":               {[]error{nil}, 1, false},
		"after a while":         {[]error{passing, passing, nil}, 3, false},
		"another error":         {[]error{passing, apiError("InvalidParameterValueException", "no")}, 2, true},
		"a duplicate statement": {[]error{apiError("ResourceConflictException", "The statement id (x) provided already exists.")}, 1, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := retry(t.Context(), time.Millisecond, busy, func(context.Context) error {
				calls++
				return tt.errs[calls-1]
			})
			if calls != tt.calls || (err != nil) != tt.fails {
				t.Errorf("%d calls, error %v", calls, err)
			}
		})
	}
	t.Run("gives up", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := retry(ctx, time.Millisecond, busy, func(context.Context) error { return passing })
		if !errors.Is(err, passing) {
			t.Errorf("got %v, want the last error of the call", err)
		}
	})
}

func TestRoleNotReady(t *testing.T) {
	tests := map[string]struct {
		err  error
		want bool
	}{
		"role": {apiError("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."), true},
		"key":  {apiError("KMSAccessDeniedException", "… CreateGrant …"), true},
		"else": {apiError("InvalidParameterValueException", "Unzipped size must be smaller"), false},
		"none": {fmt.Errorf("dial"), false},
	}
	for name, tt := range tests {
		if got := roleNotReady(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
