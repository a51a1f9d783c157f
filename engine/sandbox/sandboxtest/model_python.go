package sandboxtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// modelPython is spec behaviour 7.3, as AWS's awslambdaric has it. In the guide a
// frame of stackTrace is a list and the log has the message before the error's type
// (A7.13); today a frame is a text, and the type comes first.
func (s Suite) modelPython(t *testing.T) {
	f := model(Python().Runtime)
	t.Run("event", func(t *testing.T) { s.ways(t, f, pythonEvents) })
	t.Run("whole event", func(t *testing.T) { s.wholeEvents(t) })
	t.Run("result", func(t *testing.T) { s.ways(t, f, pythonResults) })
	t.Run("error", func(t *testing.T) { s.ways(t, f, pythonErrors) })
	t.Run("log", func(t *testing.T) { s.ways(t, f, pythonLog) })
	t.Run("log in JSON", func(t *testing.T) { s.ways(t, f, pythonJSONLog, with("AWS_LAMBDA_LOG_FORMAT", "JSON")) })
	t.Run("log from a level", func(t *testing.T) {
		s.ways(t, f, pythonLevelLog, with("AWS_LAMBDA_LOG_FORMAT", "JSON", "AWS_LAMBDA_LOG_LEVEL", "INFO"))
	})
	t.Run("members", func(t *testing.T) { s.pythonMembers(t, f) })
	t.Run("huge", func(t *testing.T) { s.huge(t, f, "Refusal") })
	t.Run("environment", func(t *testing.T) {
		found := s.facts(t, f)
		if path, _ := found["path"].([]any); len(path) == 0 || path[0] != found["cwd"] || found["name"] != "model" {
			t.Errorf("path %v, module %v", found["path"], found["name"])
		}
	})
	t.Run("init", func(t *testing.T) { s.births(t, f.Runtime, pythonBirths) })
}

// wholeEvents are those that are no object.
func (s Suite) wholeEvents(t *testing.T) {
	f := model(Python().Runtime)
	f.Handler = "model.whole"
	b := s.start(t, f)
	for event, want := range map[string]string{
		`null`: `["NoneType",null]`, `3`: `["int",3]`, `"s"`: `["str","s"]`, `[1]`: `["list",[1]]`, `true`: `["bool",true]`, `1.5`: `["float",1.5]`, `{}`: `["dict",{}]`,
	} {
		b.want(event, want)
	}
}

var pythonEvents = []way{
	{do: "echo", with: `,"value":123456789012345678901234567890`, want: `["int",123456789012345678901234567890]`},
	{do: "echo", with: `,"value":"\ud83d\ude00"`, want: `["str","😀"]`},
	{do: "echo", with: `,"value":{"a":[null]}`, want: `["dict",{"a":[null]}]`},
}

const notSerializable = "Unable to marshal response: Object of type %s is not JSON serializable"

func unserializable(do, kind string) way {
	return way{do: do, outcome: failed, kind: "Runtime.MarshalError", message: fmt.Sprintf(notSerializable, kind), trace: `"stackTrace": ?\[\]`}
}

var pythonResults = []way{
	{do: "nothing", want: `null`},
	{do: "tuple", want: `[1,"two"]`},
	{do: "named tuple", want: `{"at":[{"x":1,"y":[2,{"x":3,"y":4}]}]}`},
	{do: "keys", want: `{"7":"int","2.5":"float","true":"bool","null":"none"}`},
	{do: "key that is none", outcome: failed, kind: "Runtime.MarshalError", message: "Unable to marshal response: keys must be str, int, float, bool or None, not tuple"},
	{do: "decimal", want: `[1.10,3,1E+3]`}, // digits stay
	{do: "decimals nan", want: `NaN`},
	{do: "nan", want: `NaN`}, // which is not JSON
	{do: "infinity", want: `[Infinity, -Infinity]`},
	{do: "bytes", want: `{"raw": [1]}`}, // as they are
	{do: "bytes inside", want: `{"b":"text"}`},
	unserializable("bytearray", "bytearray"),
	unserializable("set", "set"),
	unserializable("generator", "generator"),
	unserializable("coroutine", "object"),
	{do: "bytes that are no text", outcome: failed, kind: "Runtime.MarshalError", message: "Unable to marshal response: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"},
	{do: "ring", outcome: failed, kind: "Runtime.MarshalError", message: "Unable to marshal response: Circular reference detected"},
	{do: "half a pair", outcome: exited, exit: "exit status 1"},
}

var pythonErrors = []way{
	{
		do: "raise", outcome: failed, kind: "Refusal", message: "I failed!",
		trace: `^\{"errorMessage": "I failed!", "errorType": "Refusal", "requestId": "8476[^"]*", "stackTrace": \["  File \\".*/model\.py\\", line \d+, in handler\\n    return WAYS\[event\[\\"do\\"\]\]\(event, context\)\\n", "  File \\".*/model\.py\\", line \d+, in way\\n    raise error\\n"\]\}$`,
		log:   []string{`\[ERROR\] Refusal: I failed!\nTraceback \(most recent call last\):\n\x{a0}\x{a0}File ".*/model\.py", line \d+, in handler\n\x{a0}{4}return WAYS.*\n\x{a0}{4}raise error`},
	},
	{do: "raise without message", outcome: failed, kind: "Refusal", log: []string{`\[ERROR\] Refusal\nTraceback.*`}},
	{do: "raise lines", outcome: failed, kind: "ValueError", message: "two\nlines", log: nil},
	{do: "raise KeyError", outcome: failed, kind: "KeyError", message: "'k'"},
	{do: "raise chained", outcome: failed, kind: "Refusal", message: "outer"},
	{do: "recursion", outcome: failed, kind: "RecursionError", message: "maximum recursion depth exceeded"},
	{do: "sys.exit", outcome: exited, exit: "exit status 3", log: []string{}},
	{do: "sys.exit 0", outcome: exited, exit: "exit status 0"},
	{do: "sys.exit text", outcome: exited, exit: "exit status 1", log: []string{"goodbye"}},
	{do: "os._exit", outcome: exited, exit: "exit status 4"},
	{do: "interrupt", outcome: exited, exit: "signal: interrupt"},
	{do: "kill", outcome: exited, exit: "signal: killed"},
}

// A7.14
var pythonLog = []way{
	{do: "levels", want: `null`, log: []string{`\[WARNING\]\tTIME\tID\ta warning`, `\[ERROR\]\tTIME\tID\ta error`, `\[CRITICAL\]\tTIME\tID\ta critical`}},
	{do: "with level", want: `30`, log: []string{
		`\[DEBUG\]\tTIME\tID\ta debug`, `\[INFO\]\tTIME\tID\ta info`, `\[WARNING\]\tTIME\tID\ta warning`, `\[ERROR\]\tTIME\tID\ta error`, `\[CRITICAL\]\tTIME\tID\ta critical`,
	}},
	// A printed line is an event, and so is a message of logging, whatever lines it has.
	{do: "formats", want: `null`, log: []string{
		`x`, `two words of one line`, `a`, `b`, `\[ERROR\]\tTIME\tID\ttwo\nlines`, `through the context`, `no line break`,
	}},
	{do: "stderr", want: `null`, log: []string{`to stderr`, `no line break`}},
}

var pythonJSONLog = []way{
	{do: "levels", want: `null`, log: []string{
		`\{"timestamp": "SECOND", "level": "WARNING", "message": "a warning", "logger": "root", "requestId": "ID"\}`, `.*"ERROR".*`, `.*"CRITICAL".*`,
	}},
	{do: "records", want: `null`, log: []string{
		`\{"timestamp": "SECOND", "level": "ERROR", "message": "plain", "logger": "mine", "requestId": "ID", "hint": \{"try": "again"\}, "odd": "\{1\}"\}`,
		`\{"timestamp": "SECOND", "level": "WARNING", "message": \{"a": 1\}, "logger": "mine", "requestId": "ID"\}`,
		`.*"message": "one of 2".*`,
		`\{"timestamp": "SECOND", "level": "ERROR", "message": "seen", "logger": "mine", "stackTrace": \["  File .*\], "errorType": "Refusal", "errorMessage": "caught", "requestId": "ID", "location": ".*/model\.py:records:\d+"\}`,
	}},
	{do: "raise", outcome: failed, kind: "Refusal", message: "I failed!", log: []string{
		`\{"timestamp": "SECOND", "level": "ERROR", "errorMessage": "I failed!", "errorType": "Refusal", "requestId": "ID", "stackTrace": \["  File .*\]\}`,
	}},
}

var pythonLevelLog = []way{
	{do: "levels", want: `null`, log: []string{`.*"INFO".*`, `.*"WARNING".*`, `.*"ERROR".*`, `.*"CRITICAL".*`}},
}

// pythonMembers are all that a context has.
func (s Suite) pythonMembers(t *testing.T, f Function) {
	b := s.start(t, f, reserved)
	res, id := b.invoke(`{"do":"context"}`, caller)
	var got map[string]any
	if err := json.Unmarshal(res.Payload, &got); err != nil {
		t.Fatalf("%v: %s", err, res.Payload)
	}
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:f:live"
	for name, want := range map[string]any{
		"type": "LambdaContext", "aws_request_id": id, "function_name": "model", "function_version": "7", "memory_limit_in_mb": "256",
		"invoked_function_arn": arn, "log_group_name": "/aws/lambda/model", "log_stream_name": "2026/11/24/[7]abc", "tenant_id": nil,
		"identity": []any{"ci", "cp"}, "w3c": map[string]any{"traceparent": "00-1-2-01"},
		"client": []any{map[string]any{"k": "v"}, map[string]any{"platform": "phone"}, []any{"i", "t", "n", "c", "p"}},
		"public": []any{
			"aws_request_id", "client_context", "function_name", "function_version", "identity", "invoked_function_arn", "log_group_name", "log_stream_name", "memory_limit_in_mb", "tenant_id",
		},
		"repr": "LambdaContext([aws_request_id=" + id + ",log_group_name=/aws/lambda/model,log_stream_name=2026/11/24/[7]abc,function_name=model,memory_limit_in_mb=256,function_version=7," +
			"invoked_function_arn=" + arn + ",client_context=ClientContext([custom={'k': 'v'},env={'platform': 'phone'}," +
			"client=Client([installation_id=i,app_title=t,app_version_name=n,app_version_code=c,app_package_name=p])]),identity=CognitoIdentity([cognito_identity_id=ci,cognito_identity_pool_id=cp]),tenant_id=None])",
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	for context, want := range map[string]string{
		``: `null`, `{}`: `[null,null,null]`, `{"client":{}}`: `[null,null,[null,null,null,null,null]]`,
	} {
		res, _ = b.invoke(`{"do":"context"}`, func(inv *sandbox.Invocation) { inv.ClientContext = context })
		var got struct{ Client, Identity json.RawMessage }
		if _ = json.Unmarshal(res.Payload, &got); !sameJSON(got.Client, []byte(want)) || !sameJSON(got.Identity, []byte(`[null,null]`)) {
			t.Errorf("client context %q is %s, identity %s", context, got.Client, got.Identity)
		}
	}
	res, _ = b.invoke(`{"do":"remaining"}`, caller)
	remains(t, res.Payload)
}

// warned is what precedes the log of an error of the init.
const warned = `\[WARNING\]\tTIME\t\tLAMBDA_WARNING: Unhandled exception\. The most likely cause is an issue in the function code\. .*/runtimes-update\.html`

var pythonBirths = []birth{
	{name: "in a directory", files: map[string]string{"src/lib/app.py": "def handler(e, c): return __name__\n"}, handler: "src/lib/app.handler", want: `"src.lib.app"`},
	{name: "in a package", files: map[string]string{"src/__init__.py": "", "src/app.py": "from . import other\ndef handler(e, c): return other.says\n", "src/other.py": "says = 'other'\n"}, handler: "src.app.handler", want: `"other"`},
	{name: "callable", files: map[string]string{"app.py": "class H:\n    def __call__(self, e, c): return 'called'\nhandler = H()\n"}, handler: "app.handler", want: `"called"`},
	{name: "named as the client", files: map[string]string{"bootstrap.py": "def handler(e, c): return 'mine'\n"}, handler: "bootstrap.handler", want: `"mine"`},
	{name: "package at the root", files: map[string]string{"app.py": "import requests\ndef handler(e, c): return requests.says\n", "requests/__init__.py": "says = 'own'\n"}, handler: "app.handler", want: `"own"`}, // A8.3

	{
		name: "nested", files: map[string]string{"proj/app.py": "def handler(e, c): return 1\n"}, handler: "app.handler", kind: "Runtime.ImportModuleError", // A8.1
		message: `Unable to import module 'app': No module named 'app'`, trace: `^\{"errorMessage": .*"requestId": "", "stackTrace": \[\]\}$`,
		log: []string{warned, `\[ERROR\] Runtime\.ImportModuleError: Unable to import module 'app': No module named 'app'\nTraceback \(most recent call last\):`},
	},
	{name: "missing import", files: map[string]string{"app.py": "import no_such\n"}, handler: "app.handler", kind: "Runtime.ImportModuleError", message: `Unable to import module 'app': No module named 'no_such'`},
	{
		name: "syntax", files: map[string]string{"app.py": "def handler(e, c)\n    return 1\n"}, handler: "app.handler", kind: "Runtime.UserCodeSyntaxError",
		message: `Syntax error in module 'app': expected ':' \(app\.py, line 1\)`, trace: `"stackTrace": \["  File \\".*/app\.py\\" Line 1\\n    def handler\(e, c\)\\n"\]`,
	},
	{name: "no dot", handler: "app", kind: "Runtime.MalformedHandlerName", message: `Bad handler 'app': not enough values to unpack \(expected 2, got 1\)`},
	{name: "missing", files: map[string]string{"app.py": ""}, handler: "app.other", kind: "Runtime.HandlerNotFound", message: `Handler 'other' missing on module 'app'`},
	{name: "built in", handler: "sys.exit", kind: "Runtime.BuiltInModuleConflict", message: `Cannot use built-in module sys as a handler module`},
	{
		name: "raises", files: map[string]string{"app.py": "print('loading')\nraise RuntimeError('no start')\n"}, handler: "app.handler", kind: "RuntimeError", message: "no start",
		trace: `"stackTrace": \["  File .*importlib/__init__\.py\\", line .*, "  File \\".*/app\.py\\", line 2, in <module>\\n    raise RuntimeError\('no start'\)\\n"\]`,
		log:   []string{`loading`, warned, `\[ERROR\] RuntimeError: no start\nTraceback \(most recent call last\):\n.*`},
	},
	{name: "exits", files: map[string]string{"app.py": "import sys\nsys.exit(4)\n"}, handler: "app.handler", kind: "Runtime.ExitError", exit: "exit status 4"},
}
