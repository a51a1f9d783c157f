package sandboxtest

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// call is one event and what comes of it: a payload, or an error of a type with a
// message. The log is compared when it is not nil; $ID stands for the request's.
type call struct {
	event    string
	payload  string
	kind     string
	message  string
	trace    string // how the first frame begins
	log      []string
	anything bool
}

const dynamodb = `{"Records":[{"eventID":"1","eventVersion":"1.0","dynamodb":{"ApproximateCreationDateTime":1.4285376E9,"Keys":{"Id":{"N":"101"}},"NewImage":{"Text":{"S":"New"},"B":{"BOOL":true},"L":{"L":[{"S":"x"}]},"M":{"M":{"a":{"NULL":true}}},"SS":{"SS":["a"]},"Bin":{"B":"aGk="}},"StreamViewType":"NEW_AND_OLD_IMAGES","SequenceNumber":"111","SizeBytes":26},"awsRegion":"us-west-2","eventName":"INSERT","eventSourceARN":"arn","eventSource":"aws:dynamodb"}]}`

// javaForms are handlers of Java (spec behaviour 7.2).
var javaForms = []struct {
	handler string
	dir     string // "shaded" unless it says something else
	own     bool   // of the bundled client
	calls   []call
}{
	{handler: "example.Forms::shout", calls: []call{
		{event: `"ü"`, payload: `"Ü"`},
		{event: `7`, payload: `"7"`},
		{event: `{"a":1}`, kind: "java.lang.RuntimeException", message: "An error occurred during JSON parsing"},
		{event: `null`, kind: "java.lang.NullPointerException"},
	}},
	{handler: "example.Forms::number", calls: []call{{event: `123`, payload: `"123"`}, {event: `"12"`, payload: `"12"`}, {event: `1.9`, payload: `"1"`}, {event: `null`, payload: `"0"`}}},
	{handler: "example.Forms::not", calls: []call{{event: `true`, payload: `false`}}},
	{handler: "example.Forms::half", calls: []call{{event: `12345678901`, payload: `6.1728394505E9`}}},
	{handler: "example.Forms::next", calls: []call{{event: `41`, payload: `42`}, {event: `null`, payload: `null`}, {event: `[1]`, payload: `2`}, {event: `""`, payload: `null`}, {event: `"x"`, kind: "java.lang.RuntimeException", message: "An error occurred during JSON parsing"}}},
	// A7.9: the most parameters, then a Context at the end.
	{handler: "example.Forms::pick", calls: []call{{event: `"x"`, payload: `"two"`}}},
	{handler: "example.Forms::tie", calls: []call{{event: `"x"`, payload: `"context"`}}},
	{handler: "example.Forms::open", calls: []call{{event: `1`, anything: true}}},
	{handler: "example.Forms::nothing", calls: []call{{event: `"x"`, payload: `null`}}},
	{handler: "example.Forms::nobody", calls: []call{{event: `{}`, payload: `"nobody"`}}},
	{handler: "example.Forms::who", calls: []call{{event: `{}`, payload: `"$ID"`}}},
	{handler: "example.Forms::sorted", calls: []call{{event: `["b","a"]`, payload: `["a","b"]`}, {event: `"alone"`, payload: `["alone"]`}}},
	{handler: "example.Forms::untyped", calls: []call{{event: `{"a":{"b":[1.5,3000000000,null,true]}}`, payload: `{"a":{"b":[1.5,3000000000,null,true]},"list":[1,null,"x"]}`}}},
	{handler: "example.Forms::named", calls: []call{{event: `[{"value":"x","old":true},{"value":"y","unknown":1}]`, payload: `{"x":{"value":"x","old":true},"y":{"value":"y"}}`}}},
	{handler: "example.Forms::times", calls: []call{
		{
			event:   `{"at":"2020-01-02T03:04:05.5Z","day":"2020-01-02","when":"2020-01-02T03:04:05","date":1577934245000,"took":"PT1.5S"}`,
			payload: `{"at":1577934245.500000000,"day":[2020,1,2],"when":[2020,1,2,3,4,5],"date":1577934245000,"took":1.500000000}`,
		},
		{
			event:   `{"at":1577934245.5,"day":[2020,1,2],"when":[2020,1,2,3,4],"date":"2020-01-02T03:04:05.000+0000"}`,
			payload: `{"at":1577934245.500000000,"day":[2020,1,2],"when":[2020,1,2,3,4],"date":1577934245000}`,
		},
		{event: `{"at":"","date":"2020-01-02"}`, payload: `{"date":1577923200000}`},
	}},
	{handler: "example.Forms::values", calls: []call{
		{event: `{"n":-0.0}`, payload: `{"bytes":"AQI=","nan":"NaN","char":"x","array":[1],"nothing":null,"1":"GOOD","class":"java.lang.String","decimal":1E+3,"event":-0.0}`},
		{event: `{"n":12345678901234567890}`, payload: `{"bytes":"AQI=","nan":"NaN","char":"x","array":[1],"nothing":null,"1":"GOOD","class":"java.lang.String","decimal":1E+3,"event":12345678901234567890}`},
	}},
	{handler: "example.Forms::same", calls: []call{
		{
			event:   `{"firstName":"J","mood":"BAD","times":"3","others":[{"value":"o"}],"byRole":{"boss":{"value":"b"}}}`,
			payload: `{"firstName":"J","mood":"BAD","times":3,"others":[{"value":"o"}],"byRole":{"boss":{"value":"b"}}}`,
		},
		{event: `{"mood":"ODD","others":[],"firstname":"J"}`, payload: `{"times":0,"others":[]}`},
		{event: `{"times":"many"}`, kind: "java.lang.RuntimeException", message: "An error occurred during JSON parsing"},
	}},
	// A7.11
	{handler: "example.Greeter", calls: []call{
		{event: `{"firstName":"John","lastName":"Doe"}`, payload: `{"greetings":"Hello John Doe."}`},
		{event: `{}`, kind: "java.lang.IllegalArgumentException", message: "who?", trace: "example.Greeter.handleRequest(Greeter.java:10)"},
	}},
	{handler: "example.Greeter", dir: "bare", calls: []call{{event: `{"firstName":"John","lastName":"Doe"}`, payload: `{"greetings":"Hello John Doe."}`}}}, // core is the runtime's
	{handler: "example.Greeter::handleRequest", calls: []call{{event: `{"firstName":"John","lastName":"Doe"}`, payload: `{"greetings":"Hello John Doe."}`}}},
	{handler: "example.Generic", own: true, calls: []call{{event: `[{"value":"a"},{"value":"b"}]`, payload: `{"value":"b"}`}}},
	// A7.12; what is no JSON never gets here.
	{handler: "example.Upper", calls: []call{{event: `"test"`, payload: `"TEST"`}}},
	{handler: "example.Forms::upper", calls: []call{{event: `{"a":1}`, payload: `{"A":1}`}}},
	{handler: "example.Forms::bytes", calls: []call{{event: `{}`, payload: `<not json>`}}},
	{handler: "example.Forms::unwritable", calls: []call{
		{event: `"loop"`, kind: "java.lang.RuntimeException", message: "An error occurred during JSON serialization of response"},
		{event: `"throws"`, kind: "java.lang.RuntimeException", message: "An error occurred during JSON serialization of response"},
	}},
	{handler: "example.Forms::raise", calls: []call{
		{event: `"oh"`, kind: "java.lang.Exception", message: "oh", trace: "example.Forms.raise(Forms.java:"},
		{event: `""`, kind: "java.lang.Exception", message: "java.lang.Exception"},
	}},
	// A7.10
	{handler: "example.Forms::log", calls: []call{
		{event: `"print"`, payload: `"logged"`, log: []string{"a ", " b", "c"}},
		{event: `"logger"`, payload: `"logged"`, log: []string{"a \n b"}},
		{event: `"static"`, payload: `"logged"`, log: []string{"a \n b"}},
	}},
	{handler: "example.Log4j::handle", dir: "zipped", calls: []call{
		{event: `"a \n b"`, payload: `"logged"`, log: []string{"$ID INFO  Log4j - a \n b"}},
		{event: `"c"`, payload: `"logged"`, log: []string{"$ID INFO  Log4j - c"}},
	}},
	{handler: "example.Forms::s3", calls: []call{{
		event:   `{"Records":[{"eventTime":"2020-01-02T03:04:05.000Z","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b","arn":"x"},"object":{"key":"a+b.txt","size":7,"eTag":"e"}},"responseElements":{"x-amz-id-2":"i"}}]}`,
		payload: `"b/a b.txt 2020-01-02"`,
	}}},
	{handler: "example.Forms::sqs", dir: "zipped", calls: []call{{
		event:   `{"Records":[{"messageId":"1","body":"hi","eventSourceARN":"arn","attributes":{"a":"b"},"messageAttributes":{"k":{"stringValue":"v","dataType":"String"}}}]}`,
		payload: `{"Records":[{"messageId":"1","body":"HI","attributes":{"a":"b"},"messageAttributes":{"k":{"stringValue":"v","dataType":"String"}},"eventSourceARN":"arn"}]}`,
	}}},
	{handler: "example.Forms::sqs", dir: "bare", calls: []call{{event: `{}`, kind: "java.lang.NoClassDefFoundError", message: "sqs"}}},
	{handler: "example.Forms::dynamodb", calls: []call{{event: dynamodb, payload: dynamodb}}},
	{handler: "example.Forms::sns", calls: []call{{event: `{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"m","Timestamp":"2020-01-02T03:04:05.000Z"}}]}`, payload: `"m"`}}},
	{handler: "example.Forms::kinesis", calls: []call{{event: `{"Records":[{"kinesis":{"data":"aGk=","approximateArrivalTimestamp":1607497475.5},"eventID":"1"}]}`, payload: `"hi 1607497475500"`}}},
	{handler: "example.Forms::scheduled", calls: []call{{event: `{"detail-type":"Scheduled Event","time":"2020-01-02T03:04:05Z","detail":{}}`, payload: `"Scheduled Event 2020"`}}},
	{handler: "example.Forms::api", calls: []call{{
		event:   `{"httpMethod":"GET","path":"/p","headers":{"a":"b"},"requestContext":{"identity":{"sourceIp":"1"}}}`,
		payload: `{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"GET /p b","isBase64Encoded":false}`,
	}}},
	// What is not there is the error of each call.
	{handler: "example.Forms:shout", own: true, calls: []call{{event: `"x"`, payload: `"X"`}}},
	{handler: "example.Absent::handle", calls: []call{{event: `{}`, kind: "java.lang.ClassNotFoundException", message: "Class not found: example.Absent"}}},
	{handler: "example.Forms::absent", calls: []call{{event: `{}`, message: "No public method named absent with appropriate method signature found on class example.Forms"}}},
	{handler: "example.Forms", calls: []call{{event: `{}`, message: "Class does not implement an appropriate handler interface: example.Forms"}}},
	{handler: "example.Forms::", calls: []call{{event: `{}`, message: "Invalid handler: `example.Forms::'"}}},
	{handler: "example.Broken$Secret::handle", calls: []call{{event: `{}`, kind: "java.lang.Exception", message: "Class example.Broken$Secret has no public zero-argument constructor"}}},
	{handler: "example.Greeting$Absent", calls: []call{{event: `{}`, kind: "java.lang.ClassNotFoundException", message: "Class not found: example.Greeting$Absent"}}},
}

// Java proves the handlers and conversions of Java functions.
func (s Suite) Java(t *testing.T) {
	if !has(t, "javac", "mvn") {
		t.Skip("there is no JDK with Maven")
	}
	dir := javaFunctions(t)
	t.Run("forms", func(t *testing.T) {
		for i, form := range javaForms {
			if s.Sample && i%4 != 0 || form.own && s.OfficialJava {
				continue
			}
			t.Run(form.handler, func(t *testing.T) {
				t.Parallel()
				f := Java(t)
				f.Handler = form.handler
				if form.dir != "" {
					f.Dir = filepath.Join(dir, form.dir)
				}
				b := s.start(t, f)
				for _, c := range form.calls {
					b.java(c)
				}
			})
		}
	})
	t.Run("init", s.javaInit)
	t.Run("error", func(t *testing.T) {
		if s.OfficialJava {
			t.Skip("AWS's client logs an error when it has reported it")
		}
		f := Java(t)
		f.Handler = "example.Greeter"
		b := s.start(t, f)
		_, id := b.invoke(`{}`)
		const frames = "\n\tat example.Greeter.handleRequest(Greeter.java:10)\n\tat example.Greeter.handleRequest(Greeter.java:6)\n"
		want := "who?: java.lang.IllegalArgumentException\njava.lang.IllegalArgumentException: who?" + frames + "Caused by: java.lang.RuntimeException: the deeper reason"
		if log := b.lines.Of(id); len(log) != 1 || !strings.HasPrefix(log[0], want) || strings.Contains(log[0], "reflect") {
			t.Errorf("log %q, want %q", log, want)
		}
	})
	t.Run("layer", func(t *testing.T) {
		if s.OfficialJava && !s.Isolates {
			t.Skip("AWS's client looks for layers in /opt")
		}
		f := Java(t)
		f.Dir, f.Handler = filepath.Join(dir, "bare"), "example.Forms::sns"
		s.start(t, f, func(spec *sandbox.Spec) {
			spec.LayersDir = t.TempDir()
			if err := os.CopyFS(filepath.Join(spec.LayersDir, "java", "lib"), os.DirFS(filepath.Join(dir, "zipped", "lib"))); err != nil {
				t.Fatal(err)
			}
		}).want(`{"Records":[{"Sns":{"Message":"out of a layer"}}]}`, `"out of a layer"`)
	})
	t.Run("JSON log", func(t *testing.T) {
		f := Java(t)
		f.Handler = "example.Forms::log"
		b := s.start(t, f, func(spec *sandbox.Spec) { spec.Env["AWS_LAMBDA_LOG_FORMAT"] = "JSON" })
		_, id := b.invoke(`"logger"`)
		want := `^\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","message":"a \\n b","level":"UNDEFINED","AWSRequestId":"` + id + `"\}$`
		if log := b.lines.Of(id); len(log) != 1 || !regexp.MustCompile(want).MatchString(log[0]) {
			t.Errorf("log %q, want %s", log, want)
		}
	})
	t.Run("options", func(t *testing.T) {
		b := s.start(t, Java(t), func(spec *sandbox.Spec) {
			spec.Env["JAVA_TOOL_OPTIONS"] = "-Dpicked=up"
		})
		if log := strings.Join(b.lines.Of(""), "\n"); !strings.Contains(log, "Picked up JAVA_TOOL_OPTIONS: -Dpicked=up") {
			t.Errorf("log %q", log)
		}
		b.want(`{"op":"property","name":"picked"}`, `"up"`)
	})
	t.Run("wrapper", func(t *testing.T) {
		if s.OfficialJava && !s.Isolates {
			t.Skip("a bare command has no wrapper")
		}
		f := Java(t)
		f.Dir, f.Handler = t.TempDir(), "example.Greeter"
		if err := os.CopyFS(f.Dir, os.DirFS(filepath.Join(dir, "shaded"))); err != nil {
			t.Fatal(err)
		}
		wrapper := "#!/bin/sh\necho wrapped\nexec \"$@\"\n"
		if err := os.WriteFile(filepath.Join(f.Dir, "wrapper"), []byte(wrapper), 0o755); err != nil {
			t.Fatal(err)
		}
		b := s.start(t, f, func(spec *sandbox.Spec) {
			spec.Env["AWS_LAMBDA_EXEC_WRAPPER"] = "/var/task/wrapper"
			if !s.Isolates {
				spec.Env["AWS_LAMBDA_EXEC_WRAPPER"] = filepath.Join(f.Dir, "wrapper")
			}
		})
		b.want(`{"firstName":"a","lastName":"b"}`, `{"greetings":"Hello a b."}`)
		if log := b.lines.Of(""); !slices.Contains(log, "wrapped") {
			t.Errorf("log %q", log)
		}
	})
	t.Run("out of heap", func(t *testing.T) {
		b := s.start(t, Java(t))
		res, id := b.invoke(`{"op":"heap"}`)
		if res.Outcome != sandbox.FunctionError || !strings.Contains(string(res.Payload), `"errorType":"java.lang.OutOfMemoryError"`) {
			t.Errorf("outcome %d, payload %.300s (log %q)", res.Outcome, res.Payload, b.lines.Of(id))
		}
		b.dies()
	})
}

func (b *box) java(c call) {
	b.t.Helper()
	res, id := b.invoke(c.event)
	log := b.lines.Of(id)
	if c.anything {
		return
	}
	if c.payload != "" {
		want := strings.ReplaceAll(c.payload, "$ID", id)
		if res.Outcome != sandbox.Success || string(res.Payload) != want && !sameJSON(res.Payload, []byte(want)) {
			b.t.Errorf("%s: outcome %d, payload %.500s, want %s (log %q)", c.event, res.Outcome, res.Payload, want, log)
		}
	} else {
		var body struct {
			ErrorMessage, ErrorType string
			StackTrace              []string
		}
		_ = json.Unmarshal(res.Payload, &body)
		if res.Outcome != sandbox.FunctionError || body.ErrorType != c.kind || !strings.Contains(body.ErrorMessage, c.message) ||
			c.trace != "" && (len(body.StackTrace) == 0 || !strings.HasPrefix(body.StackTrace[0], c.trace)) {
			b.t.Errorf("%s: outcome %d, payload %.500s, want %s: %s %s", c.event, res.Outcome, res.Payload, c.kind, c.message, c.trace)
		}
	}
	want := make([]string, len(c.log))
	for i, line := range c.log {
		want[i] = strings.ReplaceAll(line, "$ID", id)
	}
	if c.log != nil && !slices.Equal(sorted(log), sorted(want)) { // of two streams
		b.t.Errorf("%s: log %q, want %q", c.event, log, want)
	}
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

// javaInit are classes that fail while they are loaded or constructed.
func (s Suite) javaInit(t *testing.T) {
	for handler, want := range map[string]struct{ kind, message, log string }{
		"example.Broken::handle":             {"java.lang.ExceptionInInitializerError", "Error loading class example.Broken", "Error loading class"},
		"example.Broken$Constructor::handle": {"java.lang.IllegalStateException", "cannot start", "before the fall"},
	} {
		t.Run(handler, func(t *testing.T) {
			f := Java(t)
			f.Handler = handler
			spec, lines := f.Spec()
			_, err := s.Driver.Start(t.Context(), spec)
			var failed *sandbox.InitError
			if !errors.As(err, &failed) {
				t.Fatalf("error %v, want an InitError", err)
			}
			var body struct{ ErrorMessage, ErrorType string }
			_ = json.Unmarshal(failed.Payload, &body)
			if failed.ErrorType != "Runtime.BadFunctionCode" || body.ErrorType != want.kind || body.ErrorMessage != want.message {
				t.Errorf("type %s, payload %s", failed.ErrorType, failed.Payload)
			}
			if log := strings.Join(lines.Of(""), "\n"); !regexp.MustCompile(want.log).MatchString(log) {
				t.Errorf("log %q, want %s", log, want.log)
			}
		})
	}
}
