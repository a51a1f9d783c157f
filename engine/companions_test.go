package engine_test

import (
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

// A companion serves its service at the engine's address, with whatever driver.
func TestCompanion(t *testing.T) {
	t.Parallel()
	const image = "lambdaform/dynamodb:latest"
	if out, err := exec.Command("docker", "image", "inspect", image).CombinedOutput(); err != nil {
		if os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("%v: %s", err, out)
	}
	const id = "300000000005"
	dir := t.TempDir()
	for _, driver := range []string{"process", "docker"} {
		e, err := engine.Start(t.Context(), engine.Config{
			Listen: "127.0.0.1:0", DataDir: dir, Driver: driver, Logger: slog.New(slog.DiscardHandler),
			Companions: map[string]string{"dynamodb": image}, Images: map[string]string{"python3.13": "lambdaform/python:3.13"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if driver == "process" {
			if got := signed(t, e.URL(), id, "x", "dynamodb", "DynamoDB_20120810.CreateTable", usersTable); got.status != 200 {
				t.Errorf("create a table: %d %s", got.status, got.body)
			}
			a := accountOn(t, e.URL(), id)
			a.create("f", python(t, listTables), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(30) }) // boto3 is slow to load
		}
		if got := accountOn(t, e.URL(), id).call("f"); !strings.Contains(got, "users") {
			t.Errorf("%s: a function finds %s", driver, got)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCompanionsThatCannotBe(t *testing.T) {
	t.Parallel()
	failsToStart(t, `there is no companion "mysql": use dynamodb`, engine.Config{Companions: map[string]string{"mysql": ""}})
	failsToStart(t, "dynamodb cannot both run beside the engine and be at http://127.0.0.1:8000", engine.Config{
		Companions: map[string]string{"dynamodb": ""}, Services: map[string]string{"dynamodb": "http://127.0.0.1:8000"},
	})
}
