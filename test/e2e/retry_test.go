package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// speed is how much faster than real time the engine's is here: a minute between
// attempts takes three seconds.
const speed = 20

// A SIGKILL between attempts at an event neither forgets how many there were nor
// hurries the next one; and one before a destination has heard of the end loses
// nothing.
func TestKillBetweenAttempts(t *testing.T) {
	dir := t.TempDir()
	config, attempts, told := filepath.Join(dir, "engine.hcl"), filepath.Join(dir, "attempts"), filepath.Join(dir, "told")
	if err := os.WriteFile(config, fmt.Appendf(nil, "clock_speed = %d\n", speed), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "-v", "--config", config)
	client := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.url()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	create := func(name, body string) {
		pkg, err := zipOf(map[string]string{"app.py": "import json, time\ndef handler(event, context):\n" + body})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: &name, Runtime: "python3.13", Handler: aws.String("app.handler"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Code: &types.FunctionCode{ZipFile: pkg},
		}); err != nil {
			t.Fatal(err)
		}
	}
	create("f", fmt.Sprintf("    with open(%q, 'a') as f: f.write('%%s %%f\\n' %% (context.aws_request_id, time.time()))\n    raise ValueError('no')\n", attempts))
	if _, err := client.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:lambda:us-east-1:000000000000:function:sink")}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent}); err != nil {
		t.Fatal(err)
	}
	seen := 0 // of the log
	made := func() (ids []string, times []float64) {
		raw, _ := os.ReadFile(attempts)
		for line := range strings.Lines(string(raw)) {
			var id string
			var at float64
			if _, err := fmt.Sscan(line, &id, &at); err == nil {
				ids, times = append(ids, id), append(times, at)
			}
		}
		return ids, times
	}
	for n := 1; n <= 3; n++ {
		eventually(t, fmt.Sprintf("attempt %d is made", n), func() bool { ids, _ := made(); return len(ids) == n })
		noted := "event is to be tried again"
		if n == 3 {
			noted = "tell the destination of an event" // that there is not yet
		}
		eventually(t, "the engine has noted it", func() bool { return strings.Contains(s.log.String()[seen:], noted) })
		s.kill()
		seen = len(s.log.String())
		s.start()
	}
	create("sink", fmt.Sprintf("    with open(%q, 'a') as f: f.write(json.dumps(event) + '\\n')\n", told))
	var record struct {
		RequestContext struct {
			RequestID, Condition   string
			ApproximateInvokeCount int
		}
	}
	var raw []byte
	eventually(t, "the destination is told", func() bool {
		raw, _ = os.ReadFile(told)
		return json.Unmarshal(raw, &record) == nil
	})
	ids, times := made()
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] ||
		record.RequestContext.RequestID != ids[0] || record.RequestContext.Condition != "RetriesExhausted" || record.RequestContext.ApproximateInvokeCount != 3 {
		t.Errorf("attempts %v, told %s", ids, raw)
	}
	const minute = 60. / speed
	for i, pause := range []float64{minute, 2 * minute} {
		if took := times[i+1] - times[i]; took < pause*0.8 {
			t.Errorf("pause %d took %.1f s, want %.1f", i+1, took, pause)
		}
	}
}
