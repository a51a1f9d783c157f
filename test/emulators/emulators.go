// Package emulators starts servers of others for tests: implementations of AWS's
// services that know nothing of this project. scripts/emulators.sh installs them.
//
// Each is started once for a test binary, on a port of its own, when a test first asks
// for it, and ends with the binary, however that ends. Tests share what it holds, so
// they name things apart or use accounts of their own: DynamoDB keeps those apart, which
// are access keys of 12 digits.
package emulators

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
)

// DynamoDB returns the endpoint of DynamoDB and DynamoDB Streams, by MiniStack. Tables
// belong to the account and region that a request is signed for.
func DynamoDB(t testing.TB) string {
	t.Helper()
	return dynamoDB.endpoint(t)
}

// Kinesalite returns the endpoint of Kinesis, by kinesalite. Streams take 50 ms to be
// created or deleted.
func Kinesalite(t testing.TB) string {
	t.Helper()
	return kinesalite.endpoint(t)
}

// ElasticMQ returns the endpoint of SQS, by ElasticMQ, with AWS's limits.
func ElasticMQ(t testing.TB) string {
	t.Helper()
	return elasticMQ.endpoint(t)
}

// Moto returns the endpoint of moto, which has a little of every service.
func Moto(t testing.TB) string {
	t.Helper()
	return moto.endpoint(t)
}

var (
	dynamoDB = &emulator{
		name: "DynamoDB (ministack)", installed: "ministack-1.5.33", interpreter: "python3", ready: regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`),
		command: func(dir, port string) *exec.Cmd {
			cmd := exec.Command(filepath.Join(dir, "bin", "python3"), "-m", "ministack")
			cmd.Env = append(os.Environ(), "SERVICES=dynamodb,dynamodbstreams", "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port)
			return cmd
		},
	}
	kinesalite = &emulator{
		name: "kinesalite", installed: "kinesalite-3.3.3", interpreter: "node", ready: regexp.MustCompile(`(http://127\.0\.0\.1:\d+)`),
		command: func(dir, _ string) *exec.Cmd {
			cmd := exec.Command("node", "-e", `
				const server = require("kinesalite")({ createStreamMs: 50, deleteStreamMs: 50, updateStreamMs: 50, shardLimit: 1000 });
				server.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port));`)
			cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
			return cmd
		},
	}
	elasticMQ = &emulator{
		name: "ElasticMQ", installed: "elasticmq-1.6.11", interpreter: "java", ready: regexp.MustCompile(`visible server address (http://127\.0\.0\.1:\d+)`),
		command: func(dir, port string) *exec.Cmd {
			cmd := exec.Command("java", "-Xmx256m", "-XX:TieredStopAtLevel=1",
				"-Dnode-address.host=127.0.0.1", "-Dnode-address.port="+port, "-Drest-sqs.bind-hostname=127.0.0.1", "-Drest-sqs.bind-port="+port,
				"-Drest-stats.enabled=false", "-cp", filepath.Join(dir, "*"), "org.elasticmq.server.Main")
			return cmd
		},
	}
	moto = &emulator{
		name: "moto", interpreter: "moto_server", ready: regexp.MustCompile(`(http://127\.0\.0\.1:\d+)`),
		command: func(string, string) *exec.Cmd { return exec.Command("moto_server", "-p", "0") },
	}
)

// emulator is one server, which runs at most once.
type emulator struct {
	name        string
	installed   string                           // its directory in the cache; empty: on the PATH
	interpreter string                           // what it needs on the PATH
	command     func(dir, port string) *exec.Cmd // port is free, for those that cannot choose one
	ready       *regexp.Regexp                   // what it says when it serves, with its endpoint

	once sync.Once
	url  string
	err  error
}

// endpoint starts the server if it does not run yet.
func (e *emulator) endpoint(t testing.TB) string {
	t.Helper()
	dir := ""
	if e.installed != "" {
		dir = filepath.Join(cache(), e.installed)
		if _, err := os.Stat(dir); err != nil {
			e.missing(t, "run scripts/emulators.sh, which installs it")
		}
	}
	if _, err := exec.LookPath(e.interpreter); err != nil {
		e.missing(t, e.interpreter+" is not on the PATH: run the tests with make test")
	}
	e.once.Do(func() { e.url, e.err = start(e, dir) })
	if e.err != nil {
		t.Fatalf("start %s: %v", e.name, e.err)
	}
	return e.url
}

// missing ends a test for want of the server: where everything must be there, it fails.
func (e *emulator) missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("LAMBDA_TEST_LANGUAGES") == "required" {
		t.Fatalf("%s is missing: %s", e.name, why)
	}
	t.Skipf("%s is missing: %s", e.name, why)
}

// cache is where scripts/emulators.sh installs.
func cache() string {
	dir := os.Getenv("XDG_CACHE_HOME")
	if dir == "" {
		home, _ := os.UserHomeDir()
		dir = filepath.Join(home, ".cache")
	}
	return filepath.Join(dir, "terraform-provider-lambda", "emulators")
}
