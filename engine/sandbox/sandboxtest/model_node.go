package sandboxtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

const failed, exited = sandbox.FunctionError, sandbox.Exited

// modelNode is spec behaviour 7.1, as AWS's aws-lambda-ric of Node.js 18 to 22 has it. The guide's
// stackTrace is trace there, with the error itself in its first line, and what is
// thrown without being an Error has a type too: that of JavaScript.
func (s Suite) modelNode(t *testing.T) {
	f := model(Node().Runtime)
	t.Run("callback", func(t *testing.T) { s.ways(t, f, nodeCallbacks) })
	t.Run("context", func(t *testing.T) { s.ways(t, f, nodeContext) })
	t.Run("promise", func(t *testing.T) { s.ways(t, f, nodePromises) })
	t.Run("result", func(t *testing.T) { s.ways(t, f, nodeResults) })
	t.Run("log", func(t *testing.T) { s.ways(t, f, nodeLog) })
	t.Run("log in JSON", func(t *testing.T) { s.ways(t, f, nodeJSONLog, with("AWS_LAMBDA_LOG_FORMAT", "JSON")) })
	t.Run("log from a level", func(t *testing.T) {
		s.ways(t, f, nodeLevelLog, with("AWS_LAMBDA_LOG_FORMAT", "JSON", "AWS_LAMBDA_LOG_LEVEL", "WARN"))
	})
	t.Run("members", func(t *testing.T) { s.nodeMembers(t, f) })
	t.Run("huge", func(t *testing.T) { s.huge(t, f, "Error") })
	t.Run("environment", func(t *testing.T) {
		found := s.facts(t, f)
		for _, dir := range []string{found["LAMBDA_RUNTIME_DIR"].(string) + "/node_modules", found["LAMBDA_RUNTIME_DIR"].(string), found["cwd"].(string)} {
			if path, _ := found["NODE_PATH"].(string); !slices.Contains(strings.Split(path, ":"), dir) {
				t.Errorf("NODE_PATH %s lacks %s", path, dir)
			}
		}
	})
	t.Run("init", func(t *testing.T) { s.births(t, f.Runtime, nodeBirths) })
}

var nodeCallbacks = []way{
	{do: "callback()", want: `null`},
	// A7.1
	{do: "callback(null)", want: `null`},
	{do: "callback(null, undefined)", want: `null`},
	{do: "callback(undefined, 1)", want: `1`},
	{do: "callback(null, object)", want: `{"a":1}`, log: []string{}},
	{do: "callback later", want: `"later"`},
	{
		do: "callback(text)", outcome: failed, kind: "string", message: "boom", trace: `"trace":\[\]`,
		log: []string{`TIME\tID\tERROR\tInvoke Error \t\{"errorType":"Error","errorMessage":"boom","stack":\["Error: boom",.*\]\}`},
	},
	{do: "callback(empty text)", outcome: failed, kind: "string"},
	{do: "callback(0)", outcome: failed, kind: "number", message: "0"},
	{do: "callback(false)", outcome: failed, kind: "boolean", message: "false"},
	{do: "callback(object)", outcome: failed, kind: "object", message: "[object Object]"},
	{
		do: "callback(Error)", outcome: failed, kind: "Error", message: "x",
		trace: `^\{"errorType":"Error","errorMessage":"x","trace":\["Error: x","    at .*model\.js:\d+:\d+\)",`,
	},
	{do: "callback(Error, result)", outcome: failed, kind: "Error", message: "x"},
	{
		do: "callback(own Error)", outcome: failed, kind: "Refusal", message: "not today",
		log: []string{`TIME\tID\tERROR\tInvoke Error \t\{"errorType":"Refusal","errorMessage":"not today","code":"E_NO","name":"Refusal","hint":\{"try":"again"\},"stack":\["(Error|Refusal): not today","    at .*\]\}`},
	},
	{do: "callback(like an Error)", outcome: failed, kind: "Alike", message: "looks so", trace: `"trace":\["Alike: looks so","    at home"\]`},
	{
		do: "callback(Error without stack)", outcome: failed, kind: "handled",
		message: "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack",
	},
	{do: "first of two results", want: `1`},
	{do: "result before error", want: `1`, log: []string{}},
	{do: "error before result", outcome: failed, kind: "string", message: "early"},
	{do: "callback before promise", want: `"callback"`},
	{do: "nothing", want: `null`},
	{do: "returns", want: `null`},
	{do: "keep callback", want: `null`},
	{
		do: "call callback of before", want: `"of now"`,
		log: []string{`TIME\tID\tERROR\tInvocation has already been reported as done\. Cannot call complete more than once per invocation\.`},
	},
	{do: "waits setting", want: `[true,false]`},
	{do: "waits", want: `"waited"`, least: 140 * time.Millisecond},
	{do: "error does not wait", outcome: failed, kind: "string", message: "at once", most: 350 * time.Millisecond},
	{do: "hurries", want: `"hurried"`, most: 5 * time.Second, alone: true},
	{do: "async does not wait", want: `"at once"`, most: 5 * time.Second, alone: true},
	{
		do: "callback(circular)", outcome: failed, kind: "Error", message: "Unable to stringify response body", dies: true,
		log: []string{`TIME\tID\tERROR\tUncaught Exception \t\{"errorType":"Error","errorMessage":"Unable to stringify response body",.*`},
	},
}

var nodeContext = []way{
	{do: "succeed()", want: `null`},
	{do: "succeed(null)", want: `null`},
	{do: "succeed(object)", want: `{"ok":true}`},
	{do: "succeed(circular)", outcome: failed, kind: "Error", message: "Unable to stringify response body"},
	{do: "succeed before callback", want: `1`, log: []string{}},
	{do: "fail(text)", outcome: failed, kind: "string", message: "no"},
	{do: "fail(Error)", outcome: failed, kind: "RangeError", message: "no"},
	{do: "fail()", outcome: failed, kind: "string", message: "handled"},
	{do: "fail(null)", outcome: failed, kind: "string", message: "handled"},
	{do: "done()", want: `null`},
	{do: "done(null)", want: `null`},
	{do: "done(null, result)", want: `"ok"`},
	{do: "done(error, result)", outcome: failed, kind: "string", message: "no"},
	// What is left to run when the process is frozen runs on with the next event (A7.3).
	{do: "leaves work", want: `"at once"`, most: 90 * time.Millisecond, log: []string{}},
	{do: "sees work", want: `["8476a536-e9f4-11e8-9739-000000000014"]`, log: []string{`TIME\tID\tINFO\tlate work`}},
}

var nodePromises = []way{
	{do: "thenable", want: `"thenable"`},
	{do: "never settles", want: `null`},
	{
		do: "throws", outcome: failed, kind: "TypeError", message: "thrown", trace: `"trace":\["TypeError: thrown","    at `,
		log: []string{`TIME\tID\tERROR\tInvoke Error \t\{"errorType":"TypeError","errorMessage":"thrown","stack":\["TypeError: thrown","    at .*`},
	},
	{do: "throws text", outcome: failed, kind: "string", message: "text"},
	{do: "throws null", want: `null`}, // which is no error
	{do: "rejects", outcome: failed, kind: "Refusal", message: "async"},
	{do: "rejects undefined", outcome: failed, kind: "string", message: "handled"},
	{
		do: "uncaught", outcome: failed, kind: "Error", message: "nobody catches", dies: true,
		log: []string{`TIME\tID\tERROR\tUncaught Exception \t\{"errorType":"Error","errorMessage":"nobody catches",.*`},
	},
	{
		do: "unhandled", outcome: failed, kind: "Runtime.UnhandledPromiseRejection", message: "Error: nobody handles", dies: true,
		log: []string{`TIME\tID\tERROR\tUnhandled Promise Rejection \t\{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: nobody handles",` +
			`"reason":\{"errorType":"Error","errorMessage":"nobody handles","stack":\[.*\]\},"promise":\{\},"stack":\["Runtime.UnhandledPromiseRejection: Error: nobody handles",.*\]\}`},
	},
	{do: "exits 0", outcome: exited, exit: "exit status 0"},
	{do: "exits 5", outcome: exited, exit: "exit status 5"},
	{do: "kills itself", outcome: exited, exit: "signal: killed"},
}

var nodeResults = []way{
	{do: "undefined", want: `null`},
	{do: "NaN", want: `null`},
	{do: "Infinity", want: `[null]`},
	{do: "Buffer", want: `{"type":"Buffer","data":[1,2]}`},
	{do: "Date", want: `"1970-01-01T00:00:00.000Z"`},
	{do: "Map", want: `{}`},
	{do: "undefined inside", want: `{"b":[null]}`},
	{do: "half a pair", want: `"\ud800"`},
	{do: "pairs", want: "\"ü€😀\u2028\""},
	{do: "circular", outcome: failed, kind: "Error", message: "Unable to stringify response body"},
	{do: "BigInt", outcome: failed, kind: "Error", message: "Unable to stringify response body"},
	{do: "function", outcome: failed, kind: "TypeError", message: "Wrong arguments"},
}

var nodeLog = []way{
	{do: "levels", want: `null`, log: []string{
		`TIME\tID\tTRACE\ta trace`, `TIME\tID\tDEBUG\ta debug`, `TIME\tID\tINFO\ta log`, `TIME\tID\tINFO\ta info`,
		`TIME\tID\tWARN\ta warn`, `TIME\tID\tERROR\ta error`, `TIME\tID\tFATAL\ta fatal`,
	}},
	{do: "formats", want: `null`, log: []string{
		`TIME\tID\tINFO\tvalue1 = 1 \{ a: \[ 1, 'x' \] \}`, `TIME\tID\tINFO\tone is 1`, `TIME\tID\tINFO\tundefined`,
		`TIME\tID\tINFO\ttwo\nlines`, `TIME\tID\tINFO\tshown undefined null`, `plain`, `no line break`,
	}},
	{do: "stderr", want: `null`, log: []string{`to stderr`, `no line break`}},
	{do: "objects", want: `null`, log: []string{
		`TIME\tID\tINFO\t\{ a: 1 \}`, `TIME\tID\tINFO\tRangeError: alone\n    at .*`, `TIME\tID\tWARN\twith RangeError: company\n    at .*`,
		`TIME\tID\tERROR\t<ref \*1> \{ ring: \[Circular \*1\] \}`,
	}},
}

var nodeJSONLog = []way{
	{do: "levels", want: `null`, log: []string{
		`\{"timestamp":"TIME","level":"TRACE","requestId":"ID","message":"a trace"\}`, `.*"DEBUG".*`, `.*"INFO".*a log.*`, `.*"INFO".*a info.*`, `.*"WARN".*`, `.*"ERROR".*`, `.*"FATAL".*`,
	}},
	{do: "objects", want: `null`, log: []string{
		`\{"timestamp":"TIME","level":"INFO","requestId":"ID","message":\{"a":1\}\}`,
		`\{"timestamp":"TIME","level":"INFO","requestId":"ID","message":\{"errorType":"RangeError","errorMessage":"alone","stackTrace":\["RangeError: alone","    at .*"\]\}\}`,
		`\{"timestamp":"TIME","level":"WARN","requestId":"ID","message":"with RangeError: company\\n    at .*","errorType":"RangeError","errorMessage":"company","stackTrace":\["RangeError: company","    at .*"\]\}`,
		`\{"timestamp":"TIME","level":"ERROR","requestId":"ID","message":"<ref \*1> \{ ring: \[Circular \*1\] \}"\}`,
	}},
	{do: "callback(text)", outcome: failed, kind: "string", message: "boom", log: []string{
		`\{"timestamp":"TIME","level":"ERROR","requestId":"ID","message":\{"errorType":"Error","errorMessage":"boom","stackTrace":\[.*\]\}\}`,
	}},
}

var nodeLevelLog = []way{
	{do: "levels", want: `null`, log: []string{`.*"WARN".*`, `.*"ERROR".*`, `.*"FATAL".*`}},
}

// nodeMembers are all that a context has.
func (s Suite) nodeMembers(t *testing.T, f Function) {
	b := s.start(t, f, reserved)
	res, id := b.invoke(`{"do":"context"}`, caller)
	var got map[string]any
	if err := json.Unmarshal(res.Payload, &got); err != nil {
		t.Fatalf("%v: %s", err, res.Payload)
	}
	for name, want := range map[string]any{
		"awsRequestId": id, "functionName": "model", "functionVersion": "7", "memoryLimitInMB": "256",
		"invokedFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f:live", "callbackWaitsForEmptyEventLoop": true,
		"logGroupName": "/aws/lambda/model", "logStreamName": "2026/11/24/[7]abc",
		"functions": []any{"function", "function", "function", "function"}, "kinds": []any{"object", "object", "undefined"},
		"identity": map[string]any{"cognitoIdentityId": "ci", "cognitoIdentityPoolId": "cp"},
		"keys": []any{
			"awsRequestId", "callbackWaitsForEmptyEventLoop", "clientContext", "done", "fail", "functionName", "functionVersion", "getRemainingTimeInMillis",
			"identity", "invokedFunctionArn", "logGroupName", "logStreamName", "memoryLimitInMB", "succeed", "tenantId",
		},
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if c := fmt.Sprint(got["clientContext"]); !strings.Contains(c, "app_title:t") || !strings.Contains(c, "custom:map[k:v]") {
		t.Errorf("client context %v", got["clientContext"])
	}
	b.want(`{"do":"callback(null, object)"}`, `{"a":1}`)
	if res, _ = b.invoke(`{"do":"context"}`); !strings.Contains(string(res.Payload), `"kinds":["undefined","undefined","undefined"]`) {
		t.Errorf("context of nobody: %s", res.Payload)
	}
	res, _ = b.invoke(`{"do":"remaining"}`, caller)
	remains(t, res.Payload)
	res, _ = b.invoke(`{"do":"never drains"}`, func(inv *sandbox.Invocation) { inv.Deadline = time.Now().Add(500 * time.Millisecond) })
	if res.Outcome != sandbox.Timeout { // A7.2
		t.Errorf("outcome %d", res.Outcome)
	}
}

// huge is an error of 300 KB: its log events are of 256 KB at most, which is where
// the supervisor cuts. The guide's "Truncated by Lambda" no client of today says. The
// caller gets all of it (A7.6).
func (s Suite) huge(t *testing.T, f Function, kind string) {
	b := s.start(t, f)
	res, id := b.invoke(`{"do":"huge"}`)
	var body struct{ ErrorType, ErrorMessage string }
	_ = json.Unmarshal(res.Payload, &body)
	if res.Outcome != failed || body.ErrorType != kind || len(body.ErrorMessage) != 300<<10 {
		t.Errorf("outcome %d, %s of %d bytes", res.Outcome, body.ErrorType, len(body.ErrorMessage))
	}
	log := b.lines.Of(id)
	for _, event := range log {
		if len(event) > 256<<10 {
			t.Errorf("an event of %d bytes", len(event))
		}
	}
	if text := strings.Join(log, ""); len(log) < 2 || !strings.Contains(text, strings.Repeat("x", 300<<10)) {
		t.Errorf("%d events of %d bytes in all", len(log), len(text))
	}
}

const hello = "exports.handler = async () => 'hello';\n"

var nodeBirths = []birth{
	{name: "in a directory", files: map[string]string{"src/lib/app.js": hello}, handler: "src/lib/app.handler", want: `"hello"`},
	{name: "of an object", files: map[string]string{"app.js": "exports.a = { b: { handler: async () => 'deep' } };"}, handler: "app.a.b.handler", want: `"deep"`},
	{name: "mjs", files: map[string]string{"app.mjs": "const said = await Promise.resolve('top level');\nexport const handler = async () => said;"}, handler: "app.handler", want: `"top level"`},
	{name: "module", files: map[string]string{"src/app.js": "import './other.js';\nexport const handler = async () => import.meta.url.split(':')[0];", "src/other.js": "export {};", "package.json": `{"type":"module"}`}, handler: "src/app.handler", want: `"file"`},
	{name: "cjs in a module", files: map[string]string{"app.cjs": hello, "package.json": `{"type":"module"}`}, handler: "app.handler", want: `"hello"`},
	{name: "commonjs imports", files: map[string]string{"app.js": "exports.handler = async () => (await import('./m.mjs')).default;", "m.mjs": "export default 'm';"}, handler: "app.handler", want: `"m"`},
	{name: "js before mjs", files: map[string]string{"app.js": hello, "app.mjs": "export const handler = async () => 'mjs';"}, handler: "app.handler", want: `"hello"`},
	{name: "package", files: map[string]string{"node_modules/pack/index.js": hello}, handler: "pack.handler", want: `"hello"`},
	{name: "without extension", files: map[string]string{"app": hello}, handler: "app.handler", want: `"hello"`},

	{
		name: "nested", files: map[string]string{"proj/app.js": hello}, handler: "app.handler", kind: "Runtime.ImportModuleError", // A8.1
		message: `Error: Cannot find module 'app'\nRequire stack:\n- .*\.mjs`, trace: `"trace":\["Runtime.ImportModuleError: Error: Cannot find module 'app'"`,
		log: []string{`TIME\tundefined\tERROR\tUncaught Exception \t\{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'app'.*`},
	},
	{name: "missing require", files: map[string]string{"app.js": "require('no-such');"}, handler: "app.handler", kind: "Runtime.ImportModuleError", message: `Error: Cannot find module 'no-such'\nRequire stack:\n- .*/app\.js\n.*`},
	{name: "missing import", files: map[string]string{"app.mjs": "import 'no-such';"}, handler: "app.handler", kind: "Error", message: `Cannot find package 'no-such' imported from .*/app\.mjs`}, // which is no error of modules, AWS says
	{name: "syntax", files: map[string]string{"app.js": "const = 1;"}, handler: "app.handler", kind: "Runtime.UserCodeSyntaxError", message: `SyntaxError: Unexpected token '='`, trace: `"Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token`},
	{name: "syntax of a module", files: map[string]string{"app.mjs": "export const = 1;"}, handler: "app.handler", kind: "Runtime.UserCodeSyntaxError", message: `SyntaxError: Unexpected token '='`},
	{name: "no dot", handler: "app", kind: "Runtime.MalformedHandlerName", message: "Bad handler", trace: `"trace":\["Runtime.MalformedHandlerName: Bad handler"`},
	{name: "dots", handler: "../app.handler", kind: "Runtime.MalformedHandlerName", message: `'\.\./app\.handler' is not a valid handler name\. Use absolute paths when specifying root directories in handler names\.`},
	{name: "not exported", files: map[string]string{"app.js": hello}, handler: "app.other", kind: "Runtime.HandlerNotFound", message: `app\.other is undefined or not exported`},
	{name: "exported by default only", files: map[string]string{"app.mjs": "export default { handler: async () => 1 };"}, handler: "app.handler", kind: "Runtime.HandlerNotFound", message: `app\.handler is undefined or not exported`},
	{name: "no function", files: map[string]string{"app.js": "exports.handler = 5;"}, handler: "app.handler", kind: "Runtime.HandlerNotFound", message: `app\.handler is not a function`},
	{
		name: "throws", files: map[string]string{"app.js": "console.log('loading');\nthrow new RangeError('no start');"}, handler: "app.handler", kind: "RangeError", message: "no start",
		log: []string{`TIME\tundefined\tINFO\tloading`, `TIME\tundefined\tERROR\tUncaught Exception \t\{"errorType":"RangeError","errorMessage":"no start","stack":\["RangeError: no start",.*`},
	},
	{name: "throws text", files: map[string]string{"app.js": "throw 'text';"}, handler: "app.handler", kind: "string", message: "text"},
	{name: "exits", files: map[string]string{"app.js": "process.exit(4);"}, handler: "app.handler", kind: "Runtime.ExitError", exit: "exit status 4"},
}
