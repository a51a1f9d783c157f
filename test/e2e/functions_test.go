package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// host is an engine with one driver, and how packages are installed for it.
type host struct {
	*server
	*lambda.Client
	docker bool
}

// onBoth runs a test with the process driver, and with containers that have no network.
func onBoth(t *testing.T, test func(*testing.T, host)) {
	for _, driver := range []string{"process", "docker"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			var args []string
			if driver == "docker" {
				needImages(t)
				config := filepath.Join(t.TempDir(), "engine.hcl")
				text := "network = \"none\"\n"
				for runtime, image := range standIns {
					text += fmt.Sprintf("runtime %q {\n  image = %q\n}\n", runtime, image)
				}
				if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				args = []string{"--driver", "docker", "--config", config}
			}
			s := newServer(t, args...)
			client := lambda.New(lambda.Options{
				Region: "us-east-1", BaseEndpoint: aws.String(s.url()), Retryer: aws.NopRetryer{},
				Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
			})
			test(t, host{s, client, driver == "docker"})
		})
	}
}

var standIns = map[string]string{
	"python3.13": "lambdaform/python:3.13", "nodejs22.x": "lambdaform/nodejs:22", "provided.al2023": "lambdaform/provided:al2023",
}

func needImages(t *testing.T) {
	t.Helper()
	for _, image := range standIns {
		if out, err := exec.Command("docker", "image", "inspect", image).CombinedOutput(); err != nil {
			if os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
				t.Fatalf("%v: %s", err, out)
			}
			t.Skipf("%v: %s", err, out)
		}
	}
}

// create makes a function of a directory in functions/ and of what was installed for it.
func (h host) create(name, runtime, handler string, dirs ...string) {
	h.Helper()
	pkg, err := zipOfDirs(dirs...)
	if err != nil {
		h.Fatal(err)
	}
	_, err = h.CreateFunction(h.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.Runtime(runtime), Handler: &handler, Role: aws.String("arn:aws:iam::000000000000:role/" + name),
		Code: &types.FunctionCode{ZipFile: pkg}, Timeout: aws.Int32(30), MemorySize: aws.Int32(512),
	})
	if err != nil {
		h.Fatal(err)
	}
}

// call invokes a function and reads its answer.
func (h host) call(t *testing.T, name string, event, answer any) *lambda.InvokeOutput {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Payload, answer); err != nil || out.FunctionError != nil {
		t.Errorf("%s: %v %s %.1000s", name, err, aws.ToString(out.FunctionError), out.Payload)
	}
	return out
}

// open makes a URL of a function, at which anybody may call it.
func (h host) open(name string) string {
	h.Helper()
	out, err := h.CreateFunctionUrlConfig(h.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: &name, AuthType: types.FunctionUrlAuthTypeNone})
	if err != nil {
		h.Fatal(err)
	}
	_, err = h.AddPermission(h.Context(), &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("url"), Action: aws.String("lambda:InvokeFunctionUrl"),
		Principal: aws.String("*"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone,
	})
	if err != nil {
		h.Fatal(err)
	}
	at, err := url.Parse(*out.FunctionUrl)
	if err != nil {
		h.Fatal(err)
	}
	id, _, _ := strings.Cut(at.Host, ".")
	return h.url() + "/_engine/url/" + id
}

// An application for a web server serves events and URLs through an adapter from npm.
func TestExpress(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h host) {
		h.create("web", "nodejs22.x", "app.handler", "functions/express", npm(t, "express@5", "serverless-http@4"))
		var got struct {
			StatusCode int
			Headers    map[string]string
			Body       string
		}
		h.call(t, "web", map[string]any{
			"version": "2.0", "rawPath": "/hello/world", "rawQueryString": "greeting=hi", "headers": map[string]string{"accept": "*/*"},
			"requestContext": map[string]any{"http": map[string]string{"method": "GET", "path": "/hello/world", "sourceIp": "127.0.0.1"}},
		}, &got)
		if got.StatusCode != 200 || got.Body != `{"hello":"world","greeting":"hi"}` || got.Headers["x-powered-by"] != "a function" {
			t.Errorf("%+v", got)
		}
		at := h.open("web")
		for _, tc := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"GET", "/hello/Ann%20B?greeting=so%20long", "", 200, `{"hello":"Ann B","greeting":"so long"}`},
			{"POST", "/sum", "[1,2,3]", 201, "6"},
			{"GET", "/nowhere", "", 404, "Cannot GET /nowhere"},
			{"GET", "/fails", "", 500, "no good"},
		} {
			request, err := http.NewRequestWithContext(t.Context(), tc.method, at+tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil || response.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
				t.Errorf("%s %s: %d %s (%v)", tc.method, tc.path, response.StatusCode, body, err)
			}
		}
	})
}

// A package with compiled code in it runs where it was made for.
func TestPillow(t *testing.T) {
	t.Parallel()
	var picture bytes.Buffer
	drawn := image.NewRGBA(image.Rect(0, 0, 400, 200))
	for x := range 400 {
		for y := range 200 {
			drawn.Set(x, y, color.RGBA{R: uint8(x), G: uint8(y), B: 200, A: 255})
		}
	}
	if err := png.Encode(&picture, drawn); err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T, h host) {
		h.create("thumbnail", "python3.13", "app.handler", "functions/thumbnail", pip(t, h.docker, "pillow"))
		var got struct {
			Was, Is [2]int
			Image   []byte
		}
		h.call(t, "thumbnail", map[string]any{"image": base64.StdEncoding.EncodeToString(picture.Bytes()), "size": 64}, &got)
		small, err := png.Decode(bytes.NewReader(got.Image))
		if err != nil || got.Was != [2]int{400, 200} || got.Is != [2]int{64, 32} || small.Bounds().Dx() != 64 || small.Bounds().Dy() != 32 {
			t.Errorf("%+v (%v)", got, err)
		}
	})
}

func TestGoFunction(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./functions/greet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		h.create("greet", "provided.al2023", "bootstrap", dir)
		var got struct {
			StatusCode int
			Headers    map[string]string
			Body       string
		}
		h.call(t, "greet", map[string]any{"queryStringParameters": map[string]string{"name": "world"}}, &got)
		if got.Body != "hello world, says greet $LATEST, managed false" || got.Headers["X-Request"] == "" {
			t.Errorf("%+v", got)
		}
		response, err := http.Get(h.open("greet") + "/?name=url")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != 200 || !strings.HasPrefix(string(body), "hello url, ") || response.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("%d %s", response.StatusCode, body)
		}
		out, err := h.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("greet"), Payload: []byte(`{}`)})
		if err != nil || aws.ToString(out.FunctionError) != "Unhandled" || string(out.Payload) != `{"errorMessage":"nobody to greet","errorType":"errorString"}` {
			t.Errorf("%v %s", err, out.Payload)
		}
	})
}

// A function's SDK reaches the engine as it is, without a network too. The images bring the SDK.
func TestSDKInFunctions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h host) {
		var boto3, modules []string
		if !h.docker {
			boto3, modules = []string{pip(t, false, "boto3")}, []string{npm(t, "@aws-sdk/client-lambda@"+sdk)}
		}
		h.create("python", "python3.13", "app.handler", append(boto3, "functions/calls")...)
		h.create("node", "nodejs22.x", "app.handler", append(modules, "functions/calls")...)
		var got struct {
			Answer struct {
				Answer struct{ Greeting string }
				Status int
			}
			Status int
			Who    string
		}
		echo := map[string]any{"function": "echo", "payload": map[string]any{"greeting": "hello"}}
		h.create("echo", "python3.13", "app.handler", directory(t, map[string]string{"app.py": "def handler(event, context):\n    return event\n"}))
		for caller, callee := range map[string]string{"python": "node", "node": "python"} {
			h.call(t, caller, map[string]any{"function": callee, "payload": echo}, &got)
			if got.Status != 200 || got.Answer.Status != 200 || got.Answer.Answer.Greeting != "hello" {
				t.Errorf("%s calls %s: %+v", caller, callee, got)
			}
		}
		h.call(t, "python", echo, &got)
		if got.Who != "arn:aws:sts::000000000000:assumed-role/python/python" {
			t.Errorf("the caller is %s", got.Who)
		}
	})
}
