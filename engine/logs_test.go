package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// events reads all of a log group; nil if there is none.
func (a account) events(group string) (events []logstypes.FilteredLogEvent) {
	a.Helper()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(a.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, Limit: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.Context())
		if missing := (*logstypes.ResourceNotFoundException)(nil); errors.As(err, &missing) {
			return nil
		}
		if err != nil {
			a.Fatal(err)
		}
		events = append(events, page.Events...)
	}
	return events
}

func (a account) messages(group string) (messages []string) {
	a.Helper()
	for _, e := range a.events(group) {
		messages = append(messages, *e.Message)
	}
	return messages
}

func (a account) groups() (names []string) {
	a.Helper()
	out, err := a.logs.DescribeLogGroups(a.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		a.Fatal(err)
	}
	for _, g := range out.LogGroups {
		names = append(names, *g.LogGroupName)
	}
	return names
}

// matches checks lines against as many regular expressions.
func matches(t testing.TB, lines []string, patterns ...string) {
	t.Helper()
	if !slices.EqualFunc(lines, patterns, func(line, pattern string) bool { return regexp.MustCompile("^" + pattern + "$").MatchString(line) }) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(patterns, "\n"))
	}
}

const reportLine = `REPORT RequestId: %s\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB.*`

// MON-1, MON-2, mission R01, R02: what a call leaves, also one that prints nothing.
func TestLogOfACall(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("hello", python(t, "print('hello')"))
	a.create("silent", python(t, "return 1"))
	for name, printed := range map[string][]string{"hello": {"hello"}, "silent": nil} {
		id := requestID(a.invoke(&lambda.InvokeInput{FunctionName: &name}))
		want := append([]string{"START RequestId: " + id + ` Version: \$LATEST`}, printed...)
		matches(t, a.messages("/aws/lambda/"+name), append(want, "END RequestId: "+id, fmt.Sprintf(reportLine, id))...)
	}
	if got := a.groups(); fmt.Sprint(got) != "[/aws/lambda/hello /aws/lambda/silent]" {
		t.Errorf("groups %v", got)
	}
	streams := must[*cloudwatchlogs.DescribeLogStreamsOutput](t)(a.logs.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/aws/lambda/hello")}))
	if n := len(streams.LogStreams); n != 1 {
		t.Fatalf("%d streams", n)
	}
	stream := streams.LogStreams[0]
	if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(*stream.LogStreamName) || stream.LastEventTimestamp == nil {
		t.Errorf("%+v", stream)
	}
	got := must[*cloudwatchlogs.GetLogEventsOutput](t)(a.logs.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/aws/lambda/hello"), LogStreamName: stream.LogStreamName}))
	if len(got.Events) != 4 || *got.Events[0].Timestamp > *got.Events[3].Timestamp {
		t.Errorf("%d events", len(got.Events))
	}
}

// Mission R04: each of four faults leaves a line that tells it from the others, in both formats.
func TestErrorSignatures(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for name, c := range map[string]struct{ body, signature string }{
		"trace":   {"raise ValueError('a bug')", `\[ERROR\] ValueError: a bug|"errorMessage": ?"a bug"`},
		"denied":  {"raise PermissionError('AccessDenied: not authorized to perform: s3:GetObject')", `not authorized to perform: s3:GetObject`},
		"timeout": {"time.sleep(5)", `Task timed out after 1\.00 seconds`},
		"crash":   {"os._exit(3)", `Error: Runtime exited with error: exit status 3`},
	} {
		for _, format := range []types.LogFormat{types.LogFormatText, types.LogFormatJson} {
			function := name + string(format)
			a.create(function, python(t, c.body), timeoutIf(name == "timeout"), func(in *lambda.CreateFunctionInput) {
				in.LoggingConfig = &types.LoggingConfig{LogFormat: format}
			})
			if out := a.invoke(&lambda.InvokeInput{FunctionName: &function}); out.FunctionError == nil {
				t.Errorf("%s has succeeded", function)
			}
			if text := strings.Join(a.messages("/aws/lambda/"+function), "\n"); !regexp.MustCompile(c.signature).MatchString(text) {
				t.Errorf("log of %s:\n%s", function, text)
			}
		}
	}
}

// MON-3, mission R03: a role that may not log changes nothing but the log.
func TestRoleMayLog(t *testing.T) {
	t.Parallel()
	policies := map[string]string{
		"may":    `{"Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:*:*:*"}]}`,
		"maynot": `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
		"denied": `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"logs:*","Resource":"*"}]}`,
		"noput":  `{"Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream"],"Resource":"*"}]}`,
		"into":   `{"Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`,
	}
	roles := map[string]*catalog.RolePolicy{}
	for name, policy := range policies {
		roles[name] = must[*catalog.RolePolicy](t)(catalog.ParseRolePolicy(policy))
	}
	roles["arn:aws:iam::000000000000:role/path/maynot"] = roles["may"]
	e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	a := accountOn(t, e.URL(), "000000000000")
	for _, made := range []string{"made", "unused"} {
		if _, err := a.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/aws/lambda/" + made)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		function, role string
		logs           bool
	}{
		{"unknown", "unknown", true},
		{"may", "may", true},
		{"maynot", "maynot", false},
		{"denied", "denied", false},
		{"by-arn", "path/maynot", true},
		{"missing", "into", false}, // the group, which the role may not make
		{"made", "into", true},
		{"unused", "denied", false}, // its group is there, and stays empty
		{"mute", "noput", false},
	} {
		a.create(c.function, python(t, "print('hello'); return 'fine'"), func(in *lambda.CreateFunctionInput) {
			in.Role = aws.String("arn:aws:iam::000000000000:role/" + c.role)
		})
		out := a.invoke(&lambda.InvokeInput{FunctionName: &c.function, LogType: types.LogTypeTail})
		if out.StatusCode != 200 || string(out.Payload) != `"fine"` || out.FunctionError != nil {
			t.Errorf("%s has answered %s", c.function, out.Payload)
		}
		if tail := tailOf(t, out); !strings.Contains(tail, "hello\nEND ") {
			t.Errorf("tail of %s: %s", c.function, tail)
		}
		group := "/aws/lambda/" + c.function
		if got := a.messages(group); len(got) != 0 != c.logs {
			t.Errorf("log of %s: %v", c.function, got)
		}
		if there := slices.Contains(a.groups(), group); there != (c.logs || c.function == "unused") {
			t.Errorf("the group of %s exists: %v", c.function, there)
		}
	}
}

// What the platform says with the log format JSON, by its level.
func TestJSONFormat(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	const body = `import json, logging
    log = logging.getLogger()
    log.debug('d'); log.info('i'); log.warning('w')
    print('plain')
    for level in ('debug', 'warn', 'none'):
        print(json.dumps({'level': level, 'own': level, 'timestamp': '2024-11-02T16:51:31.587199Z'}))
    print(json.dumps({'level': 'error', 'own': 'untimed'}))
    return [os.environ.get(n) for n in ('AWS_LAMBDA_LOG_FORMAT', 'AWS_LAMBDA_LOG_LEVEL', 'AWS_LAMBDA_LOG_GROUP_NAME')]`
	type line struct {
		Type    string
		Level   string
		Message string
		Own     string
		Record  map[string]any
	}
	for name, c := range map[string]struct {
		system types.SystemLogLevel
		level  types.ApplicationLogLevel
		want   string
	}{
		"standard": {"", "", "platform.start i w plain own:warn own:none own:untimed platform.report"},
		"debug":    {"DEBUG", "DEBUG", "platform.initStart platform.initRuntimeDone platform.initReport platform.start d i w plain own:debug own:warn own:none own:untimed platform.runtimeDone platform.report"},
		"warn":     {"WARN", "WARN", "w plain own:warn"},
	} {
		group := "/shared/" + name
		a.create(name, python(t, body), func(in *lambda.CreateFunctionInput) {
			in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, SystemLogLevel: c.system, ApplicationLogLevel: c.level, LogGroup: &group}
		})
		out := a.invoke(&lambda.InvokeInput{FunctionName: &name})
		level := c.level
		if level == "" {
			level = "INFO"
		}
		if want := fmt.Sprintf(`["JSON", "%s", "%s"]`, level, group); string(out.Payload) != want {
			t.Errorf("%s was told %s, want %s", name, out.Payload, want)
		}
		var got []string
		records := map[string]map[string]any{}
		for _, text := range a.messages(group) {
			var l line
			switch err := json.Unmarshal([]byte(text), &l); {
			case err != nil:
				got = append(got, text)
			case l.Type != "":
				got = append(got, l.Type)
				records[l.Type] = l.Record
			case l.Own != "":
				got = append(got, "own:"+l.Own)
			default:
				got = append(got, l.Message)
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s logs\n%s\nwant\n%s", name, text, c.want)
		}
		if record := records["platform.report"]; record != nil {
			metrics, _ := record["metrics"].(map[string]any)
			if record["requestId"] != requestID(out) || record["status"] != "success" || metrics["memorySizeMB"] != 128.0 ||
				fmt.Sprint(slices.Sorted(maps.Keys(metrics))) != "[billedDurationMs durationMs initDurationMs maxMemoryUsedMB memorySizeMB]" {
				t.Errorf("report %v", record)
			}
		}
		for _, e := range a.events(group) {
			if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/` + name + `\[\$LATEST\][0-9a-f]{32}$`).MatchString(*e.LogStreamName) {
				t.Errorf("stream %s", *e.LogStreamName)
			}
		}
	}
}

func TestJSONFormatOfFaults(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	json := func(timeout int32) func(*lambda.CreateFunctionInput) {
		return func(in *lambda.CreateFunctionInput) {
			in.Timeout, in.LoggingConfig = &timeout, &types.LoggingConfig{LogFormat: types.LogFormatJson, SystemLogLevel: types.SystemLogLevelWarn}
		}
	}
	a.create("slow", python(t, "time.sleep(5)"), json(1))
	a.create("broken", zipOf(t, map[string]string{"app.py": "import os; os._exit(1)"}), json(60)) // a busy machine is slow to start it
	for _, name := range []string{"slow", "broken"} {
		a.invoke(&lambda.InvokeInput{FunctionName: &name})
	}
	matches(t, a.messages("/aws/lambda/slow"), ".* Task timed out after 1.00 seconds",
		`\{"time":"[^"]+","type":"platform\.runtimeDone","record":\{"requestId":"[^"]+","metrics":\{"durationMs":1000\},"status":"timeout"\}\}`,
		`\{"time":"[^"]+","type":"platform\.report","record":\{"requestId":"[^"]+","metrics":\{"durationMs":1000,.*\},"status":"timeout"\}\}`)
	failed := `"status":"error","errorType":"Runtime\.ExitError"`
	matches(t, a.messages("/aws/lambda/broken"),
		`\{.*"type":"platform\.initReport","record":\{"initializationType":"on-demand","phase":"init",`+failed+`,"metrics":\{"durationMs":[\d.]+\}\}\}`,
		`\{.*"type":"platform\.initReport","record":\{"initializationType":"on-demand","phase":"invoke",`+failed+`,.*`,
		`RequestId: .* Error: Runtime exited with error: exit status 1`, `Runtime\.ExitError`,
		`\{.*"type":"platform\.runtimeDone",.*`+failed+`\}\}`, `\{.*"type":"platform\.report",.*`+failed+`\}\}`)
}

// Levels are for the log format JSON.
func TestLogLevelsOfText(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "pass"))
	_, err := a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatText, ApplicationLogLevel: types.ApplicationLogLevelWarn},
	})
	refused[*types.InvalidParameterValueException](t, err, 400, `LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`)
}

// A group that is deleted is made anew by the next call, and functions may share one.
func TestDeletedGroup(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	shared := &types.LoggingConfig{LogGroup: aws.String("shared")}
	for _, name := range []string{"f", "g"} {
		a.create(name, python(t, "print('"+name+"')"), func(in *lambda.CreateFunctionInput) { in.LoggingConfig = shared })
		a.call(name)
	}
	if got := a.messages("shared"); len(got) != 8 || got[1] != "f" || got[5] != "g" {
		t.Errorf("%v", got)
	}
	if _, err := a.logs.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: shared.LogGroup}); err != nil {
		t.Fatal(err)
	}
	_, err := a.logs.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: shared.LogGroup})
	refused[*logstypes.ResourceNotFoundException](t, err, 400, "The specified log group does not exist.")
	if got := a.groups(); got != nil {
		t.Errorf("groups %v", got)
	}
	a.call("g")
	if got := a.messages("shared"); len(got) != 4 || got[1] != "g" {
		t.Errorf("%v", got)
	}
}

// Tokens of one stream, read in both directions while it grows.
func TestLogEventTokens(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "print(event['n'])"))
	call := func(n int) {
		t.Helper()
		a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	call(1)
	stream := a.events("/aws/lambda/f")[0].LogStreamName
	read := func(token *string) *cloudwatchlogs.GetLogEventsOutput {
		t.Helper()
		return must[*cloudwatchlogs.GetLogEventsOutput](t)(a.logs.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String("/aws/lambda/f"), LogStreamName: stream, NextToken: token, StartFromHead: aws.Bool(true),
		}))
	}
	first := read(nil)
	end := read(first.NextForwardToken)
	if len(first.Events) != 4 || len(end.Events) != 0 || *end.NextForwardToken != *first.NextForwardToken {
		t.Errorf("%d events, then %d, and the token %s after %s", len(first.Events), len(end.Events), *end.NextForwardToken, *first.NextForwardToken)
	}
	call(2)
	more := read(end.NextForwardToken)
	if len(more.Events) != 4 || *more.Events[1].Message != "2" {
		t.Errorf("%d events after the token", len(more.Events))
	}
	if back := read(more.NextBackwardToken); len(back.Events) != 4 || *back.Events[1].Message != "1" {
		t.Errorf("%d events before it", len(back.Events))
	}
}

// Groups, their settings and events are there when an engine has been closed and opened.
func TestLogsSurviveRestart(t *testing.T) {
	t.Parallel()
	config := engine.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process"}
	open := func() (account, func()) {
		e, err := engine.Start(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		return accountOn(t, e.URL(), "000000000000"), func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	a, end := open()
	a.create("f", python(t, "print('before')"))
	a.call("f")
	if _, err := a.logs.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/aws/lambda/f"), RetentionInDays: aws.Int32(7)}); err != nil {
		t.Fatal(err)
	}
	before := a.events("/aws/lambda/f")
	end()
	a, end = open()
	defer end()
	after := a.events("/aws/lambda/f")
	if len(after) != 4 || !slices.EqualFunc(before, after, func(x, y logstypes.FilteredLogEvent) bool {
		return *x.EventId == *y.EventId && *x.Message == *y.Message
	}) {
		t.Errorf("%d events before, %d after", len(before), len(after))
	}
	out := must[*cloudwatchlogs.DescribeLogGroupsOutput](t)(a.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{}))
	if len(out.LogGroups) != 1 || aws.ToInt32(out.LogGroups[0].RetentionInDays) != 7 || *out.LogGroups[0].StoredBytes == 0 {
		t.Errorf("%+v", out.LogGroups)
	}
	a.call("f")
	if got := a.messages("/aws/lambda/f"); len(got) != 8 {
		t.Errorf("%v", got)
	}
}

// What the hashicorp/aws provider calls for an aws_cloudwatch_log_group, in its order.
func TestStockLogGroup(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	name := aws.String("/aws/lambda/managed")
	arn := aws.String("arn:aws:logs:" + region + ":" + a.id + ":log-group:" + *name)
	read := func() (logstypes.LogGroup, map[string]string) {
		t.Helper()
		groups := must[*cloudwatchlogs.DescribeLogGroupsOutput](t)(a.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: name}))
		if len(groups.LogGroups) != 1 || *groups.LogGroups[0].Arn != *arn+":*" {
			t.Fatalf("%+v", groups.LogGroups)
		}
		tags := must[*cloudwatchlogs.ListTagsForResourceOutput](t)(a.logs.ListTagsForResource(t.Context(), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn}))
		return groups.LogGroups[0], tags.Tags
	}
	_, err := a.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name, LogGroupClass: logstypes.LogGroupClassStandard, Tags: map[string]string{"team": "blue"}})
	if err != nil {
		t.Fatal(err)
	}
	if g, tags := read(); g.RetentionInDays != nil || g.LogGroupClass != logstypes.LogGroupClassStandard || g.KmsKeyId != nil || tags["team"] != "blue" {
		t.Errorf("%+v %v", g, tags)
	}
	_, err = a.logs.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: name, RetentionInDays: aws.Int32(14)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.logs.TagResource(t.Context(), &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"team": "green"}})
	if err != nil {
		t.Fatal(err)
	}
	if g, tags := read(); aws.ToInt32(g.RetentionInDays) != 14 || tags["team"] != "green" {
		t.Errorf("%+v %v", g, tags)
	}
	_, err = a.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name})
	refused[*logstypes.ResourceAlreadyExistsException](t, err, 400, "The specified log group already exists")
	if _, err = a.logs.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name}); err != nil {
		t.Fatal(err)
	}
	if got := a.groups(); got != nil {
		t.Errorf("left: %v", got)
	}
}

// Events of another account or region are nobody else's.
func TestLogsAreApart(t *testing.T) {
	t.Parallel()
	a, b := newAccount(t), newAccount(t)
	a.create("f", python(t, "print('mine')"))
	a.call("f")
	if got := b.events("/aws/lambda/f"); got != nil {
		t.Errorf("another account sees %v", got)
	}
	_, err := b.logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:" + region + ":" + a.id + ":log-group:/aws/lambda/f")})
	var denied *logstypes.AccessDeniedException
	if !errors.As(err, &denied) {
		t.Errorf("%v", err)
	}
}

// plainHost keeps the SDK from putting stream- before the engine's host name.
func plainHost(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("plainHost", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
	}), middleware.Before)
}

// The Go SDK's live tail, which wants the engine's host name as it is.
func TestLiveTail(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "print('tailed', event['n'])"))
	a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"n":0}`)})
	out, err := a.logs.StartLiveTail(t.Context(), &cloudwatchlogs.StartLiveTailInput{
		LogGroupIdentifiers:   []string{"arn:aws:logs:" + region + ":" + a.id + ":log-group:/aws/lambda/f"},
		LogEventFilterPattern: aws.String("tailed"),
	}, func(o *cloudwatchlogs.Options) { o.APIOptions = append(o.APIOptions, plainHost) })
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case event := <-stream.Events():
			switch e := event.(type) {
			case *logstypes.StartLiveTailResponseStreamMemberSessionStart:
				a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"n":1}`)})
			case *logstypes.StartLiveTailResponseStreamMemberSessionUpdate:
				if results := e.Value.SessionResults; len(results) > 0 {
					if len(results) != 1 || *results[0].Message != "tailed 1" {
						t.Errorf("%+v", results)
					}
					return
				}
			}
		case <-timeout:
			t.Fatalf("nothing comes: %v", stream.Err())
		}
	}
}
