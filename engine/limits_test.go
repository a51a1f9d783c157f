package engine_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// limited returns an account on an engine of its own with those limits.
func limited(t *testing.T, limits catalog.Limits) account {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Limits: limits, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return accountOn(t, e.URL(), "123456789012")
}

// Spec api §E.11 D1, D3, D4, D10 and usecases LIM-1, LIM-5: the numbers and rules
// of 2016, each beside today's.
func TestPresets(t *testing.T) {
	t.Parallel()
	old, today := limited(t, catalog.Guide2016()), newAccount(t)
	for _, a := range []account{old, today} {
		a.create("f", python(t, "raise ValueError('no')"))
	}
	configure := func(a account, in lambda.UpdateFunctionConfigurationInput) error {
		in.FunctionName = aws.String("f")
		_, err := a.UpdateFunctionConfiguration(t.Context(), &in)
		return err
	}
	send := func(a account, bytes int) error {
		_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`"` + strings.Repeat("x", bytes-2) + `"`)})
		return err
	}
	allow := func(a account) error {
		_, err := a.AddPermission(t.Context(), &lambda.AddPermissionInput{
			FunctionName: aws.String("f"), Qualifier: aws.String("$LATEST"), StatementId: aws.String("s"),
			Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
		})
		return err
	}
	for name, c := range map[string]struct {
		in    lambda.UpdateFunctionConfigurationInput
		old   string // what is wrong with it in 2016, and
		today string // today
	}{
		"300 s":    {in: lambda.UpdateFunctionConfigurationInput{Timeout: aws.Int32(300)}},
		"301 s":    {in: lambda.UpdateFunctionConfigurationInput{Timeout: aws.Int32(301)}, old: "less than or equal to 300"},
		"901 s":    {in: lambda.UpdateFunctionConfigurationInput{Timeout: aws.Int32(901)}, old: "less than or equal to 300", today: "less than or equal to 900"},
		"1536 MB":  {in: lambda.UpdateFunctionConfigurationInput{MemorySize: aws.Int32(1536)}},
		"130 MB":   {in: lambda.UpdateFunctionConfigurationInput{MemorySize: aws.Int32(130)}, old: "multiple of 64"},
		"1600 MB":  {in: lambda.UpdateFunctionConfigurationInput{MemorySize: aws.Int32(1600)}, old: "less than or equal to 1536"},
		"10241 MB": {in: lambda.UpdateFunctionConfigurationInput{MemorySize: aws.Int32(10241)}, old: "less than or equal to 1536", today: "less than or equal to 10240"},
	} {
		for _, half := range []struct {
			account
			want string
		}{{old, c.old}, {today, c.today}} {
			err := configure(half.account, c.in)
			if (err == nil) != (half.want == "") || err != nil && !strings.Contains(err.Error(), half.want) {
				t.Errorf("%s: %v, want %q", name, err, half.want)
			}
		}
	}

	for _, c := range []struct {
		account
		most    int
		message string
	}{
		{old, 128 << 10, "131073 byte payload is too large for the Event invocation type (limit 131072 bytes)"},
		{today, 1 << 20, "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
	} {
		if err := send(c.account, c.most); err != nil {
			t.Errorf("%d bytes: %v", c.most, err)
		}
		refusedAs(t, send(c.account, c.most+1), "RequestEntityTooLargeException", 413, c.message)
	}

	if err := allow(old); err != nil {
		t.Errorf("a policy on $LATEST in 2016: %v", err)
	}
	refused[*types.InvalidParameterValueException](t, allow(today), 400, "We currently do not support adding policies for $LATEST.")

	for a, want := range map[*account]string{&old: "Handled", &today: "Unhandled"} {
		if got := aws.ToString(a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f")}).FunctionError); got != want {
			t.Errorf("function error %q, want %q", got, want)
		}
	}
}

// Spec api F.4.11, usecases LIM-8: the quota of code counts every version, and
// what is deleted frees it.
func TestCodeQuota(t *testing.T) {
	t.Parallel()
	first, second, third := python(t, "return 1"), python(t, "return 2"), python(t, "return 3")
	limits := catalog.Today()
	limits.CodeBytes = int64(len(first) + len(second))
	a := limited(t, limits)
	full := func(err error) {
		t.Helper()
		refused[*types.CodeStorageExceededException](t, err, 400, "Code storage limit exceeded.")
	}
	publish := func() error {
		_, err := a.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("f")})
		return err
	}
	a.create("f", first)
	a.publish("f")
	_, err := a.CreateFunction(t.Context(), newFunction("g", third))
	full(err)
	_, err = a.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{LayerName: aws.String("l"), Content: &types.LayerVersionContentInput{ZipFile: first}})
	full(err)
	a.deploy("f", second) // takes the place of the first
	full(publish())
	if got := a.versions("f"); len(got) != 2 {
		t.Errorf("versions %v", got)
	}
	must[*lambda.DeleteFunctionOutput](t)(a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")}))
	if err := publish(); err != nil {
		t.Errorf("after the deletion of a version: %v", err)
	}
	must[*lambda.DeleteFunctionOutput](t)(a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f")}))
	a.create("g", third)
	a.layer("l", first)
	_, err = a.CreateFunction(t.Context(), newFunction("h", third))
	full(err)
	a.deleteLayer("l", 1)
	a.create("h", third)
}
