package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const (
	writers = 6
	kills   = 8
)

// Whatever the engine has acknowledged is there after a SIGKILL at any moment,
// nothing is half-made, no process of a dead engine lives on, and every accepted
// event is handled.
func TestKill(t *testing.T) {
	s := newServer(t)
	events := filepath.Join(t.TempDir(), "events")
	who := credentials.NewStaticCredentialsProvider("test", "test", "")
	client := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.url()), Credentials: who, Retryer: aws.NopRetryer{}})
	streams := kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.url()), Credentials: who})

	all := make([]*writer, writers)
	for i := range all {
		name := fmt.Sprintf("f%d", i)
		if _, err := streams.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}); err != nil {
			t.Fatal(err)
		}
		all[i] = &writer{Client: client, model: newModel(name), log: events, source: "arn:aws:kinesis:us-east-1:000000000000:stream/" + name}
	}
	churn := churner{&writer{Client: client, model: newModel("churn"), log: events}}

	for range kills {
		var working sync.WaitGroup
		work := func(w *writer, step func(context.Context) error) {
			working.Go(func() {
				if err := w.work(t.Context(), step); err != nil {
					t.Error(err)
				}
			})
		}
		for _, w := range all {
			work(w, w.step)
		}
		work(churn.writer, churn.step)
		time.Sleep(time.Duration(300+rand.IntN(1200)) * time.Millisecond) // the moment of death: any
		s.kill()
		working.Wait()
		s.start()
	}

	accepted := 0
	for _, w := range all {
		w.verify(t)
		accepted += len(w.events)
	}
	if out, err := client.ListFunctions(t.Context(), &lambda.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll}); err != nil || len(out.Functions) == 0 {
		t.Errorf("%v functions, %v", out, err)
	}
	eventually(t, "every accepted event has been handled", func() bool { return len(missing(t, events, all)) == 0 })
	t.Logf("%d writes, %d events", total(all, func(w *writer) int { return w.n }), accepted)
	if accepted < 50 {
		t.Errorf("only %d events were accepted: the test tests little", accepted)
	}
}

func total(all []*writer, of func(*writer) int) (n int) {
	for _, w := range all {
		n += of(w)
	}
	return n
}

// missing lists the accepted events that no handler has seen.
func missing(t *testing.T, log string, all []*writer) []string {
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		seen[strings.TrimSpace(line)] = true
	}
	var ids []string
	for _, w := range all {
		for _, id := range w.events {
			if !seen[id] {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// verify compares the engine with what the writer knows.
func (w *writer) verify(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	latest, err := w.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &w.name})
	if err != nil {
		t.Fatalf("%s: %v", w.name, err)
	}
	if sum := *latest.Configuration.CodeSha256; !w.code.may(sum) {
		t.Errorf("%s: code is %s, written was %s", w.name, sum, &w.code)
	}
	exists := w.verifyVersions(ctx, t)
	for name, alias := range w.aliases {
		version := ""
		out, err := w.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &w.name, Name: &name})
		if err == nil {
			version = *out.FunctionVersion
		}
		if !alias.may(version) {
			t.Errorf("%s: alias %s is %q (%v), written was %s", w.name, name, version, err, &alias)
		}
		if version == "" {
			continue
		}
		if !exists[version] {
			t.Errorf("%s: alias %s points at version %s, which does not exist", w.name, name, version)
		}
		if out, err := w.Invoke(ctx, &lambda.InvokeInput{FunctionName: &w.name, Qualifier: &name}); err != nil || out.FunctionError != nil || *out.ExecutedVersion != version {
			t.Errorf("%s: alias %s cannot be invoked: %v %+v", w.name, name, err, out)
		}
	}
	w.verifyPolicy(ctx, t)
	if w.mapping != "" {
		out, err := w.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &w.mapping})
		if err != nil {
			t.Errorf("%s: mapping: %v", w.name, err)
		} else if size := fmt.Sprint(*out.BatchSize); !w.batch.may(size) {
			t.Errorf("%s: batch size is %s, written was %s", w.name, size, &w.batch)
		}
	}
}

// verifyVersions checks every version, and returns which there are.
func (w *writer) verifyVersions(ctx context.Context, t *testing.T) map[string]bool {
	t.Helper()
	exists := map[string]bool{}
	pages := lambda.NewListVersionsByFunctionPaginator(w, &lambda.ListVersionsByFunctionInput{FunctionName: &w.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		for _, v := range page.Versions {
			exists[*v.Version] = true
			got, err := w.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &w.name, Qualifier: v.Version})
			if err != nil || *got.CodeSha256 != *v.CodeSha256 {
				t.Errorf("%s: version %s cannot be read: %v", w.name, *v.Version, err)
			}
			if sum, ok := w.versions[*v.Version]; ok && sum != *v.CodeSha256 {
				t.Errorf("%s: version %s has now the code %s, published was %s", w.name, *v.Version, *v.CodeSha256, sum)
			}
		}
	}
	ran := 0
	for number := range w.versions {
		if !exists[number] {
			t.Errorf("%s: version %s is gone", w.name, number)
			continue
		}
		if ran++; ran > 5 { // some are enough: each boots a runtime
			continue
		}
		if out, err := w.Invoke(ctx, &lambda.InvokeInput{FunctionName: &w.name, Qualifier: &number}); err != nil || out.FunctionError != nil {
			t.Errorf("%s: version %s cannot be invoked: %v %+v", w.name, number, err, out)
		}
	}
	return exists
}

func (w *writer) verifyPolicy(ctx context.Context, t *testing.T) {
	t.Helper()
	if len(w.grants) == 0 {
		return
	}
	out, err := w.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &w.name})
	if err != nil {
		t.Errorf("%s: policy: %v", w.name, err)
		return
	}
	var policy struct{ Statement []struct{ Sid string } }
	if err := json.Unmarshal([]byte(*out.Policy), &policy); err != nil {
		t.Errorf("%s: policy: %v", w.name, err)
	}
	has := map[string]bool{}
	for _, s := range policy.Statement {
		has[s.Sid] = true
	}
	for _, sid := range w.grants {
		if !has[sid] {
			t.Errorf("%s: statement %s is gone", w.name, sid)
		}
	}
}
