package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
	"github.com/lambdaform/terraform-provider-lambda/test/emulators"
)

// tutorial is one of the guide's about streams, as somebody goes through it who has the
// AWS CLI, of version 1 or 2, and a function in some language.
type tutorial struct {
	client
	cli              string
	literal          []string // options that let --data be text
	options          []string
	region           string
	function, source string // the function's name, and its file
	handler, runtime string
	answer           string // to the sample
}

// languages are the functions of the tutorials.
var languages = []struct{ name, file, handler, runtime, answer, cli string }{
	{"node", ".js", "handler", "nodejs22.x", `"message"`, "aws"},
	{"python", ".py", "lambda_handler", "python3.13", "null", "/usr/bin/aws"},
}

// roles are those that the tutorials make with IAM's console, and one that may too little.
const roles = `
role "lambda-kinesis-execution-role" {
  policy = <<-DOCUMENT
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
      "kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListStreams",
      "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]}]}
  DOCUMENT
}
role "lambda-dynamodb-execution-role" {
  policy = <<-DOCUMENT
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
      "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
      "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]}]}
  DOCUMENT
}
role "lambda_basic_execution" {
  policy = <<-DOCUMENT
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": "logs:*"}]}
  DOCUMENT
}
`

// onTutorials goes through a tutorial in each language, on an engine of its own.
func onTutorials(t *testing.T, region, function, services string, test func(*testing.T, tutorial)) {
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			config := filepath.Join(t.TempDir(), "engine.hcl")
			if err := os.WriteFile(config, []byte(roles+services), 0o600); err != nil {
				t.Fatal(err)
			}
			c := clientOf(t, newServer(t, "--authentication", "strict", "--config", config), "aws", "node", "python3")
			c.env = append(c.env, "AWS_DEFAULT_REGION=us-west-2", "AWS_REGION=us-west-2") // the tutorials name regions where it matters
			u := tutorial{
				client: c, cli: l.cli, region: region, function: function, source: filepath.Join("functions", "tutorials", function+l.file),
				handler: function + "." + l.handler, runtime: l.runtime, answer: l.answer,
			}
			if version, err := c.command(u.cli, "--version").CombinedOutput(); err != nil {
				u.cli = "aws"
			} else if strings.HasPrefix(string(version), "aws-cli/2") {
				u.literal = []string{"--cli-binary-format", "raw-in-base64-out"}
				u.options = []string{"--endpoint-url", u.url()} // before 2.13 it knows no AWS_ENDPOINT_URL
			}
			test(t, u)
		})
	}
}

// do runs a command of the CLI in the tutorial's region, and returns the fields of its answer.
func (u tutorial) do(args ...string) (fields map[string]any) {
	u.Helper()
	out := u.run(u.cli, append(append(args, u.options...), "--region", u.region, "--output", "json")...)
	if err := json.Unmarshal([]byte(out), &fields); strings.TrimSpace(out) != "" && err != nil {
		u.Fatalf("%v: %s", err, out)
	}
	return fields
}

// query runs a command, and returns what the query leaves of its answer, as words.
func (u tutorial) query(query string, args ...string) []string {
	u.Helper()
	return strings.Fields(u.run(u.cli, append(append(args, u.options...), "--region", u.region, "--query", query, "--output", "text")...))
}

// create packs the function, creates it, and invokes it by hand with the sample.
func (u tutorial) create(role, sample string) {
	u.Helper()
	code, err := os.ReadFile(u.source)
	if err != nil {
		u.Fatal(err)
	}
	u.want(u.do("lambda", "create-function", "--function-name", u.function, "--zip-file", "fileb://"+u.pkg(map[string]string{filepath.Base(u.source): string(code)}),
		"--role", "arn:aws:iam::000000000000:role/"+role, "--handler", u.handler, "--runtime", u.runtime),
		"FunctionArn", "arn:aws:lambda:"+u.region+":000000000000:function:"+u.function, "MemorySize", "128", "Timeout", "3")
	u.do("lambda", "wait", "function-active-v2", "--function-name", u.function)
	if got := u.invoke(sample, "RequestResponse", "200"); got != u.answer {
		u.Errorf("the sample is answered with %s, want %s", got, u.answer)
	}
}

func (u tutorial) invoke(sample, kind, status string) (body string) {
	u.Helper()
	out := filepath.Join(u.TempDir(), "outputfile.txt")
	u.want(u.do("lambda", "invoke", "--invocation-type", kind, "--function-name", u.function, "--payload", "fileb://"+filepath.Join("functions", "tutorials", sample), out), "StatusCode", status)
	raw, err := os.ReadFile(out)
	if err != nil {
		u.Fatal(err)
	}
	return string(raw)
}

// mapped creates a mapping of a stream and returns its UUID once it is enabled, which
// may take ten seconds (KIN-2).
func (u tutorial) mapped(stream string) string {
	u.Helper()
	begun := time.Now()
	m := u.do("lambda", "create-event-source-mapping", "--function-name", u.function, "--event-source-arn", stream, "--batch-size", "100", "--starting-position", "TRIM_HORIZON")
	u.want(m, "State", "Creating", "BatchSize", "100", "EventSourceArn", stream, "LastProcessingResult", "No records processed", "FunctionArn", "arn:aws:lambda:"+u.region+":000000000000:function:"+u.function)
	id := fmt.Sprint(m["UUID"])
	eventually(u, "the mapping is enabled", func() bool {
		got := u.query("EventSourceMappings[].[UUID,State,BatchSize]", "lambda", "list-event-source-mappings", "--function-name", u.function, "--event-source-arn", stream)
		return slices.Equal(got, []string{id, "Enabled", "100"})
	})
	if took := time.Since(begun); took > 10*time.Second {
		u.Errorf("the mapping was enabled after %v", took)
	}
	u.result(id, "No records processed")
	return id
}

// result waits until the LastProcessingResult of a mapping begins so.
func (u tutorial) result(mapping, want string) {
	u.Helper()
	eventually(u, "the result is "+want, func() bool {
		got := strings.Join(u.query("LastProcessingResult", "lambda", "get-event-source-mapping", "--uuid", mapping), " ")
		return strings.HasPrefix(got, want)
	})
}

// logged waits until the function's log has a line, and returns when it was written.
func (u tutorial) logged(line string) (at time.Time) {
	u.Helper()
	eventually(u, "the log has "+line, func() bool {
		for _, e := range u.log() {
			if strings.Contains(e.message, line) {
				at = e.at
				return true
			}
		}
		return false
	})
	return at
}

type logEvent struct {
	message string
	at      time.Time
}

func (u tutorial) log() (events []logEvent) {
	u.Helper()
	out := u.do("logs", "filter-log-events", "--log-group-name", "/aws/lambda/"+u.function)
	for _, e := range out["events"].([]any) {
		e := e.(map[string]any)
		events = append(events, logEvent{e["message"].(string), time.UnixMilli(int64(e["timestamp"].(float64)))})
	}
	return events
}

// Spec usecases §4, the Kinesis tutorial, with the AWS CLI as it is: KIN-1, KIN-2, KIN-3
// and KIN-12.
func TestKinesisTutorial(t *testing.T) {
	t.Parallel()
	onTutorials(t, "us-west-2", "ProcessKinesisRecords", "", func(t *testing.T, u tutorial) {
		u.create("lambda-kinesis-execution-role", "kinesis.json")
		u.logged("Decoded payload: Hello, this is a test 123.")
		u.invoke("kinesis.json", "Event", "202")

		u.do("kinesis", "create-stream", "--stream-name", "examplestream", "--shard-count", "1")
		u.do("kinesis", "wait", "stream-exists", "--stream-name", "examplestream")
		stream := strings.Join(u.query("StreamDescription.StreamARN", "kinesis", "describe-stream", "--stream-name", "examplestream"), "")
		if stream != "arn:aws:kinesis:us-west-2:000000000000:stream/examplestream" {
			t.Fatalf("the stream is %s", stream)
		}
		id := u.mapped(stream)

		u.do(append([]string{"kinesis", "put-record", "--stream-name", "examplestream", "--data", "This is a test. final", "--partition-key", "shardId-000000000000"}, u.literal...)...)
		handled := u.logged("Decoded payload: This is a test. final")
		u.result(id, "OK")
		iterator := u.query("ShardIterator", "kinesis", "get-shard-iterator", "--stream-name", "examplestream", "--shard-id", "shardId-000000000000", "--shard-iterator-type", "TRIM_HORIZON")
		records := u.do("kinesis", "get-records", "--shard-iterator", iterator[0])["Records"].([]any)
		if len(records) != 1 {
			t.Fatalf("the stream has %v", records)
		}
		if took := handled.Sub(arrival(t, records[0].(map[string]any)["ApproximateArrivalTimestamp"])); took > 2*time.Second {
			t.Errorf("the record was handled %v after it was put", took)
		}

		// A role that may not read the stream: no mapping.
		u.do("lambda", "update-function-configuration", "--function-name", u.function, "--role", "arn:aws:iam::000000000000:role/lambda_basic_execution")
		u.do("lambda", "wait", "function-updated-v2", "--function-name", u.function)
		u.do("lambda", "delete-event-source-mapping", "--uuid", id)
		eventually(t, "the mapping is gone", func() bool {
			return len(u.query("EventSourceMappings[].UUID", "lambda", "list-event-source-mappings")) == 0
		})
		u.refused("InvalidParameterValueException", "Cannot access stream "+stream, "create-event-source-mapping", "--region", u.region, "--function-name", u.function, "--event-source-arn", stream, "--starting-position", "TRIM_HORIZON")
	})
}

// arrival reads a time as either version of the CLI writes it.
func arrival(t *testing.T, value any) time.Time {
	t.Helper()
	if seconds, ok := value.(float64); ok {
		return time.UnixMilli(int64(seconds * 1000))
	}
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(value))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Spec usecases §5, the DynamoDB tutorial, with the AWS CLI as it is: DDB-1, DDB-2, DDB-6
// and DDB-9.
func TestDynamoDBTutorial(t *testing.T) {
	t.Parallel()
	services := fmt.Sprintf("services {\n  dynamodb = %q\n}\n", emulators.DynamoDB(t))
	onTutorials(t, "us-east-1", "ProcessDynamoDBStream", services, func(t *testing.T, u tutorial) {
		u.create("lambda-dynamodb-execution-role", "dynamodb.json")
		for _, line := range []string{"Change 1 INSERT: ", "Change 2 MODIFY: ", "Change 3 REMOVE: "} {
			u.logged(line)
		}
		table := "Tutorial" + u.runtime // DynamoDB is shared with the other language
		u.do("dynamodb", "create-table", "--table-name", table, "--attribute-definitions", "AttributeName=Id,AttributeType=N", "--key-schema", "AttributeName=Id,KeyType=HASH",
			"--provisioned-throughput", "ReadCapacityUnits=5,WriteCapacityUnits=5", "--stream-specification", "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES")
		u.do("dynamodb", "wait", "table-exists", "--table-name", table)
		stream := strings.Join(u.query("Table.LatestStreamArn", "dynamodb", "describe-table", "--table-name", table), "")
		id := u.mapped(stream)

		key := `{"Id": {"N": "101"}}`
		u.do("dynamodb", "put-item", "--table-name", table, "--item", `{"Id": {"N": "101"}, "Message": {"S": "New item!"}}`)
		u.do("dynamodb", "update-item", "--table-name", table, "--key", key, "--update-expression", "SET Message = :m", "--expression-attribute-values", `{":m": {"S": "This item has changed"}}`)
		u.do("dynamodb", "delete-item", "--table-name", table, "--key", key)
		u.logged(" REMOVE: " + `{"ApproximateCreationDateTime`)
		u.result(id, "OK")
		u.changes()

		u.do("lambda", "delete-function", "--function-name", u.function)
		u.do("dynamodb", "put-item", "--table-name", table, "--item", `{"Id": {"N": "102"}}`)
		u.result(id, "PROBLEM: Function not found")
	})
}

// changes checks what the log says of the three changes, whose images are the sample's.
func (u tutorial) changes() {
	u.Helper()
	line := regexp.MustCompile(`Change [0-9a-f-]{8,} (\w+): (\{.*\})`)
	type item map[string]map[string]string
	type change struct {
		Keys, NewImage, OldImage item
		SequenceNumber           string
		StreamViewType           string
	}
	var names []string
	var changes []change
	for _, e := range u.log() {
		match := line.FindStringSubmatch(e.message)
		if match == nil {
			continue
		}
		var c change
		if err := json.Unmarshal([]byte(match[2]), &c); err != nil {
			u.Fatalf("%v: %s", err, e.message)
		}
		names, changes = append(names, match[1]), append(changes, c)
	}
	if !slices.Equal(names, []string{"INSERT", "MODIFY", "REMOVE"}) {
		u.Fatalf("changes %v", names)
	}
	id := map[string]string{"N": "101"}
	first, second := item{"Id": id, "Message": {"S": "New item!"}}, item{"Id": id, "Message": {"S": "This item has changed"}}
	for i, want := range []struct{ after, before item }{{first, nil}, {second, first}, {nil, second}} {
		c := changes[i]
		if fmt.Sprint(c.Keys, c.NewImage, c.OldImage) != fmt.Sprint(item{"Id": id}, want.after, want.before) || c.StreamViewType != "NEW_AND_OLD_IMAGES" {
			u.Errorf("%s: %+v", names[i], c)
		}
		if i > 0 {
			if before := changes[i-1].SequenceNumber; len(before) > len(c.SequenceNumber) || len(before) == len(c.SequenceNumber) && before >= c.SequenceNumber {
				u.Errorf("%s has sequence number %s, behind %s", names[i], c.SequenceNumber, before)
			}
		}
	}
}

// KIN-15: the handler of the tutorial's Java function as the guide prints it, which is
// not there, and as it is called.
func TestJavaTutorial(t *testing.T) {
	t.Parallel()
	libraries := sandboxtest.Java(t).Dir // unpacked, with AWS's event classes
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(libraries)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "javac", "-cp", libraries, "-d", dir, "functions/tutorials/example/ProcessKinesisEvents.java").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := newClient(t, "aws")
	u := tutorial{client: c, cli: "aws", region: "us-west-2", function: "ProcessKinesisRecords"}
	code, err := zipOfDirs(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "package.zip")
	if err := os.WriteFile(path, code, 0o600); err != nil {
		t.Fatal(err)
	}
	u.do("lambda", "create-function", "--function-name", u.function, "--zip-file", "fileb://"+path, "--role", "arn:aws:iam::000000000000:role/lambda-kinesis-execution-role",
		"--handler", "example.ProcessKinesisRecords::recordHandler", "--runtime", "java21", "--timeout", "30", "--memory-size", "512")
	u.do("lambda", "wait", "function-active-v2", "--function-name", u.function)
	if got := u.invoke("kinesis.json", "RequestResponse", "200"); !strings.Contains(got, "java.lang.ClassNotFoundException") || !strings.Contains(got, "Class not found: example.ProcessKinesisRecords") {
		t.Errorf("as printed: %s", got)
	}
	u.do("lambda", "update-function-configuration", "--function-name", u.function, "--handler", "example.ProcessKinesisEvents::recordHandler")
	u.do("lambda", "wait", "function-updated-v2", "--function-name", u.function)
	if got := u.invoke("kinesis.json", "RequestResponse", "200"); got != "null" {
		t.Errorf("as it is called: %s", got)
	}
	u.logged("Decoded payload: Hello, this is a test 123.")
}
