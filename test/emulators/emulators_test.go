package emulators_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/test/emulators"
)

// Each emulator answers a request of its service, and is started once.
func TestEmulators(t *testing.T) {
	for name, c := range map[string]struct {
		start                     func(testing.TB) string
		contentType, target, body string
		want                      string
	}{
		"DynamoDB":   {emulators.DynamoDB, "application/x-amz-json-1.0", "DynamoDB_20120810.ListTables", `{}`, `"TableNames"`},
		"streams":    {emulators.DynamoDB, "application/x-amz-json-1.0", "DynamoDBStreams_20120810.ListStreams", `{}`, `"Streams"`},
		"kinesalite": {emulators.Kinesalite, "application/x-amz-json-1.1", "Kinesis_20131202.ListStreams", `{}`, `"StreamNames"`},
		"ElasticMQ":  {emulators.ElasticMQ, "application/x-amz-json-1.0", "AmazonSQS.CreateQueue", `{"QueueName": "q"}`, `/q"`},
		"moto":       {emulators.Moto, "application/x-www-form-urlencoded; charset=utf-8", "", "Action=GetCallerIdentity&Version=2011-06-15", "<Account>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := c.start(t)
			if again := c.start(t); again != endpoint {
				t.Errorf("started twice: %s and %s", endpoint, again)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", c.contentType)
			if c.target != "" {
				r.Header.Set("X-Amz-Target", c.target)
			}
			service := map[string]string{"kinesalite": "kinesis", "ElasticMQ": "sqs", "moto": "sts"}[name]
			if service == "" {
				service = "dynamodb"
			}
			r.Header.Set("X-Amz-Date", "20260101T000000Z")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), c.want) {
				t.Errorf("%d %s, want %s", resp.StatusCode, body, c.want)
			}
		})
	}
}

// A server ends with the binary that has started it, even if that is killed.
func TestEndsWithTheBinary(t *testing.T) {
	if os.Getenv("EMULATORS_CHILD") != "" {
		os.Stdout.WriteString(emulators.Kinesalite(t) + "\n")
		select {} // to be killed
	}
	emulators.Kinesalite(t) // or skip
	child := exec.Command(os.Args[0], "-test.run=^TestEndsWithTheBinary$")
	child.Env = append(os.Environ(), "EMULATORS_CHILD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 256)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := url.Parse(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	held, err := net.Dial("tcp", endpoint.Host) // is cut off when the server ends
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	_ = child.Process.Kill()
	_ = child.Wait()
	_ = held.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := held.Read(line); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server outlives its test binary")
	}
}
