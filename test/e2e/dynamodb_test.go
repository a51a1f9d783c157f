package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// DynamoDB beside the engine, with the AWS CLI as it is: a table with a stream through
// the engine's own address, which is there after a SIGKILL, and nothing when all is over.
func TestDynamoDB(t *testing.T) {
	t.Parallel()
	const image = "lambdaform/dynamodb:latest"
	if out, err := exec.Command("docker", "image", "inspect", image).CombinedOutput(); err != nil {
		if os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("%v: %s", err, out)
	}
	config := filepath.Join(t.TempDir(), "engine.hcl")
	if err := os.WriteFile(config, []byte("dynamodb {\n  image = \""+image+"\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := clientOf(t, newServer(t, "--authentication", "strict", "--with", "dynamodb", "--config", config), "aws")
	dynamodb := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(c.run("aws", append([]string{"dynamodb", "--output", "text"}, args...)...))
	}
	dynamodb("create-table", "--table-name", "users", "--billing-mode", "PAY_PER_REQUEST",
		"--attribute-definitions", "AttributeName=id,AttributeType=S", "--key-schema", "AttributeName=id,KeyType=HASH",
		"--stream-specification", "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES")
	dynamodb("wait", "table-exists", "--table-name", "users")
	put := func(id string) { dynamodb("put-item", "--table-name", "users", "--item", `{"id": {"S": "`+id+`"}}`) }
	put("a")
	put("b")
	dynamodb("update-item", "--table-name", "users", "--key", `{"id": {"S": "a"}}`,
		"--update-expression", "SET age = :n", "--expression-attribute-values", `{":n": {"N": "42"}}`)
	dynamodb("delete-item", "--table-name", "users", "--key", `{"id": {"S": "b"}}`)
	if got := c.events("users"); got != "INSERT:a INSERT:b MODIFY:a REMOVE:b" {
		t.Errorf("the stream has %s", got)
	}

	first := c.companion()
	c.kill()
	c.start()
	if got := dynamodb("get-item", "--table-name", "users", "--key", `{"id": {"S": "a"}}`, "--query", "Item.age.N"); got != "42" {
		t.Errorf("after a SIGKILL the item has age %s", got)
	}
	put("c")
	if got := c.events("users"); !strings.HasSuffix(got, "INSERT:c") {
		t.Errorf("the stream goes on with %s", got)
	}
	second := c.companion()
	if first == second {
		t.Error("the container of the dead engine has been taken over")
	}
	if left := containers(t, first); left != "" {
		t.Errorf("the container of the dead engine is left: %s", left)
	}
	c.stop()
	if left := containers(t, second); left != "" {
		t.Errorf("the stopped engine has left %s", left)
	}
	c.start() // for the end of the test, which stops it
}

// companion returns the id of the container that `engine status` shows.
func (c client) companion() string {
	c.Helper()
	var status struct {
		Companions []struct {
			Service, Container string
			Serves             bool
		}
	}
	out := c.run(binary, "--endpoint", c.url(), "engine", "status", "-o", "json")
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		c.Fatalf("%v: %s", err, out)
	}
	if len(status.Companions) != 1 || !status.Companions[0].Serves || status.Companions[0].Service != "dynamodb" {
		c.Fatalf("status %s", out)
	}
	if text := c.run(binary, "--endpoint", c.url(), "engine", "status"); !strings.Contains(text, "COMPANION") {
		c.Errorf("status for people:\n%s", text)
	}
	return status.Companions[0].Container
}

// events reads a table's stream from its beginning: what happened, to which id.
func (c client) events(table string) string {
	c.Helper()
	streams := func(args ...string) string {
		c.Helper()
		return strings.TrimSpace(c.run("aws", append([]string{"dynamodbstreams", "--output", "text"}, args...)...))
	}
	stream := streams("list-streams", "--table-name", table, "--query", "Streams[0].StreamArn")
	var happened []string
	for _, shard := range strings.Fields(streams("describe-stream", "--stream-arn", stream, "--query", "StreamDescription.Shards[].ShardId")) {
		iterator := streams("get-shard-iterator", "--stream-arn", stream, "--shard-id", shard, "--shard-iterator-type", "TRIM_HORIZON", "--query", "ShardIterator")
		records := streams("get-records", "--shard-iterator", iterator, "--query", "Records[].[join(':', [eventName, dynamodb.Keys.id.S])]")
		happened = append(happened, strings.Fields(records)...)
	}
	return strings.Join(happened, " ")
}

// containers lists a container, if it is there.
func containers(t *testing.T, id string) string {
	t.Helper()
	out, err := exec.Command("docker", "ps", "-aq", "--filter", "id="+id).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
