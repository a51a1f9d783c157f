package engine_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/test/emulators"
)

// KIN-6, KIN-7: a batch that fails comes again as it is, as one request, and holds up
// what is behind it in its shard and nothing else. Once the code is right all goes on.
func TestStreamBlocks(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.kinesisStream(a.streams, "s", 2)
	calls := a.recorder("f", "if 'a-2' in texts: raise Exception('no')")
	one, two := keysOfShards(a, "s")
	for _, text := range numbered("a-", 4) {
		s.put(one, text)
	}
	a.mapStream(s.arn, "f")
	tried := func() []seen {
		return slices.DeleteFunc(calls(), func(c seen) bool { return !slices.Contains(c.Texts, "a-2") })
	}
	a.eventually("the batch has been tried", func() bool { return len(tried()) > 0 })
	for _, text := range numbered("later-", 3) {
		s.put(one, text)
	}
	for _, text := range numbered("b-", 3) {
		s.put(two, text)
	}
	a.eventually("the other shard goes on", func() bool { return len(withPrefix(texts(calls()), "b-")) == 3 })
	a.eventually("the batch has been tried again", func() bool { return len(tried()) > 2 })
	batch := append([]string{"first"}, numbered("a-", 4)...)
	for _, c := range tried() {
		if !slices.Equal(c.Texts, batch) || c.ID != tried()[0].ID {
			t.Errorf("call %+v, after %+v", c, tried()[0])
		}
	}
	if late := withPrefix(texts(calls()), "later-"); len(late) > 0 {
		t.Errorf("behind the failing batch: %v", late)
	}

	mended := filepath.Join(t.TempDir(), "mended")
	a.deploy("f", python(t, fmt.Sprintf("\n    import base64, json\n    open(%q, 'a').write(''.join(json.loads(base64.b64decode(r['kinesis']['data']))['v'] + '\\n' for r in event['Records']))", mended)))
	want := append(batch, numbered("later-", 3)...)
	a.eventually("all is handled", func() bool {
		raw, _ := os.ReadFile(mended)
		return slices.Equal(strings.Fields(string(raw)), want)
	})
}

// keysOfShards returns a key of each of a stream's two shards, into which it puts "first".
func keysOfShards(a account, stream string) (one, two string) {
	a.Helper()
	for _, key := range []string{"a", "b"} { // which MD5 puts apart
		out := do(a, a.streams.PutRecord, &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: &key, Data: []byte(`{"v":"first"}`)})
		if *out.ShardId == "shardId-000000000000" {
			one = key
		} else {
			two = key
		}
	}
	if one == "" || two == "" {
		a.Fatal("both keys are in one shard")
	}
	return one, two
}

// KIN-8: while a mapping is off nothing is lost, and where it stands outlasts the engine.
func TestStreamPositionIsKept(t *testing.T) {
	t.Parallel()
	dir, seenBy := t.TempDir(), filepath.Join(t.TempDir(), "seen")
	begin := func() (*engine.Engine, account) {
		e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: dir, Driver: "process", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return e, accountOn(t, e.URL(), "100000000000")
	}
	seen := func() []string {
		raw, _ := os.ReadFile(seenBy)
		return strings.Fields(string(raw))
	}
	first, a := begin()
	a.create("f", python(t, fmt.Sprintf("\n    import base64\n    open(%q, 'a').write(''.join(base64.b64decode(r['kinesis']['data']).decode() + '\\n' for r in event['Records']))", seenBy)))
	id := a.mapping("s", "f").UUID
	a.settled(id, "Enabled")
	want := numbered("on-", 3)
	a.put("s", want...)
	a.eventually("the first are handled", func() bool { return slices.Equal(seen(), want) })
	a.eventually("that is known", func() bool { return *a.settled(id, "Enabled").LastProcessingResult == "OK" })
	do(t, a.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(false)})
	a.settled(id, "Disabled")
	want = append(want, numbered("off-", 5)...)
	a.put("s", want[3:]...)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second, a := begin()
	defer second.Close()
	a.settled(id, "Disabled")
	do(t, a.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(true)})
	want = append(want, "last")
	a.put("s", "last")
	a.eventually("the others are handled", func() bool { return len(seen()) >= len(want) })
	if got := seen(); !slices.Equal(got, want) {
		t.Errorf("handled %v", got)
	}
}

// KIN-9: a mapping whose position has been trimmed goes on at the oldest record there is.
func TestStreamTrimmedPosition(t *testing.T) {
	t.Parallel()
	hands := clock.NewManual(time.Now())
	e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Clock: hands, StreamClock: hands, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	a := accountOn(t, e.URL(), "100000000000")
	calls := a.recorder("f", "pass")
	s := a.kinesisStream(a.streams, "s", 1)
	id := a.mapStream(s.arn, "f")
	s.put("k", "handled")
	a.handled(calls, 1)
	do(t, a.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(false)})
	a.settled(id, "Disabled")
	s.put("k", "trimmed")
	hands.Advance(25 * time.Hour)
	s.put("k", "oldest")
	s.put("k", "newest")
	do(t, a.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(true)})
	if got := a.handled(calls, 3); !slices.Equal(got, []string{"handled", "oldest", "newest"}) {
		t.Errorf("handled %v", got)
	}
}

// KIN-12: a function whose role may not read a stream gets no mapping of it; one that has
// a mapping already tells why nothing comes.
func TestStreamRole(t *testing.T) {
	t.Parallel()
	roles := map[string]*catalog.RolePolicy{}
	for name, policy := range map[string]string{
		"may":   `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		"other": `{"Statement":[{"Effect":"Allow","Action":"kinesis:*","Resource":"arn:aws:kinesis:*:*:stream/other"}]}`,
	} {
		roles[name] = must[*catalog.RolePolicy](t)(catalog.ParseRolePolicy(policy))
	}
	e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Roles: roles, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	a := accountOn(t, e.URL(), "000000000000")
	role := func(name string) *string { return aws.String("arn:aws:iam::000000000000:role/" + name) }
	calls := a.recorder("f", "pass")
	s := a.kinesisStream(a.streams, "s", 1)
	assume := func(name string) {
		t.Helper()
		do(t, a.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Role: role(name)})
	}
	assume("other")
	_, err = a.CreateEventSourceMapping(t.Context(), &mappingInput{EventSourceArn: &s.arn, FunctionName: aws.String("f"), StartingPosition: types.EventSourcePositionTrimHorizon})
	refused[*types.InvalidParameterValueException](t, err, 400, "Cannot access stream "+s.arn+"…")
	assume("may")
	id := a.mapStream(s.arn, "f")
	s.put("k", "one")
	a.handled(calls, 1)

	do(t, a.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(false)})
	a.settled(id, "Disabled")
	assume("other")
	s.put("k", "two")
	do(t, a.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(true)})
	a.eventually("the mapping tells of its problem", func() bool {
		return strings.HasPrefix(*a.settled(id, "Enabled").LastProcessingResult, "PROBLEM: InvalidParameterValueException: Cannot access stream "+s.arn)
	})
	assume("may")
	if got := a.handled(calls, 2); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("handled %v", got)
	}
}

// KIN-13: a function runs as often at a time as the stream has shards.
func TestStreamConcurrency(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.kinesisStream(a.streams, "s", 2)
	dir, counts := t.TempDir(), filepath.Join(t.TempDir(), "counts")
	calls := a.recorder("f", fmt.Sprintf(`
mine = os.path.join(%q, context.aws_request_id)
open(mine, 'w')
time.sleep(0.1)
n = len(os.listdir(%q))
os.remove(mine)
with open(%q, 'a') as f: f.write(str(n) + '\n')`, dir, dir, counts))
	for i := range 24 {
		s.put(fmt.Sprint(i), fmt.Sprint("r", i))
	}
	a.mapStream(s.arn, "f", func(in *mappingInput) { in.BatchSize = aws.Int32(1) })
	a.handled(calls, 24)
	raw, err := os.ReadFile(counts)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Fields(string(raw))
	if slices.Max(at) != "2" || len(at) != 24 {
		t.Errorf("calls at a time: %v", at)
	}
}

// DDB-4, DDB-5: several functions each get all of one stream; one function gets all of
// several streams, by a mapping each.
func TestStreamsOfFunctions(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		if strings.HasSuffix(t.Name(), "/fan-out") {
			t.Skip("a consumer has one subscriber")
		}
		one, two := p.new("one", 1), p.new("two", 1)
		f, g := p.recorder("f", "pass"), p.recorder("g", "pass")
		first, second := p.mapStream(one.arn, "f"), p.mapStream(two.arn, "f")
		p.mapStream(one.arn, "g")
		for i := range 5 {
			one.put("k", fmt.Sprint("one-", i))
			two.put("k", fmt.Sprint("two-", i))
		}
		got := p.handled(f, 10)
		if !slices.Equal(withPrefix(got, "one-"), numbered("one-", 5)) || !slices.Equal(withPrefix(got, "two-"), numbered("two-", 5)) {
			t.Errorf("f has handled %v", got)
		}
		if got := p.handled(g, 5); !slices.Equal(got, numbered("one-", 5)) {
			t.Errorf("g has handled %v", got)
		}
		list := func(source string) (ids []string) {
			in := &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("f")}
			if source != "" {
				in.EventSourceArn = &source
			}
			for _, m := range do(t, p.ListEventSourceMappings, in).EventSourceMappings {
				ids = append(ids, *m.UUID)
			}
			return ids
		}
		if got := list(""); !slices.Equal(got, sorted([]string{*first, *second})) || *first == *second {
			t.Errorf("mappings of f: %v", got)
		}
		if got := list(two.arn); !slices.Equal(got, []string{*second}) {
			t.Errorf("mappings of f and the second stream: %v", got)
		}
	})
}

// DDB-3, DDB-7, DDB-8: what a stream holds is what its table says; a table without a
// stream cannot be mapped, nor can a stream of another account.
func TestDynamoDBTables(t *testing.T) {
	t.Parallel()
	endpoint := emulators.DynamoDB(t)
	a := accountOn(t, pollingEngine(t, map[string]string{"dynamodb": endpoint}).URL(), fmt.Sprintf("%012d", 200000000000+accounts.Add(1)))
	client := func(account string) *dynamodb.Client {
		return dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(account, "secret", "")})
	}
	table := func(account, name string, stream *dynamotypes.StreamSpecification) *dynamotypes.TableDescription {
		t.Helper()
		return do(t, client(account).CreateTable, &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest, StreamSpecification: stream,
			KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: dynamotypes.KeyTypeHash}},
			AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: dynamotypes.ScalarAttributeTypeS}},
		}).TableDescription
	}
	of := func(view dynamotypes.StreamViewType) *dynamotypes.StreamSpecification {
		return &dynamotypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view}
	}
	for view, images := range map[dynamotypes.StreamViewType]string{
		dynamotypes.StreamViewTypeKeysOnly: "", dynamotypes.StreamViewTypeNewImage: "NewImage", dynamotypes.StreamViewTypeOldImage: "OldImage",
	} {
		seenBy := filepath.Join(t.TempDir(), "seen")
		a.create(string(view), python(t, fmt.Sprintf("\n    open(%q, 'a').write(''.join(' '.join([r['eventName'], r['dynamodb']['StreamViewType'], r['dynamodb']['Keys']['k']['S']] + [n for n in r['dynamodb'] if 'Image' in n]) + '\\n' for r in event['Records']))", seenBy)))
		stream := table(a.id, string(view), of(view))
		a.mapStream(*stream.LatestStreamArn, string(view))
		for _, v := range []string{"1", "2"} {
			do(t, client(a.id).PutItem, &dynamodb.PutItemInput{TableName: aws.String(string(view)), Item: map[string]dynamotypes.AttributeValue{
				"k": &dynamotypes.AttributeValueMemberS{Value: "key"}, "v": &dynamotypes.AttributeValueMemberS{Value: v},
			}})
		}
		want := fmt.Sprintf("INSERT %s key %s\nMODIFY %s key %s\n", view, strings.TrimPrefix(images, "OldImage"), view, images)
		var got string
		a.eventually(fmt.Sprint("the changes have come with ", view), func() bool {
			raw, _ := os.ReadFile(seenBy)
			got = string(raw)
			return strings.Count(got, "\n") >= 2
		})
		if strings.ReplaceAll(got, " \n", "\n") != strings.ReplaceAll(want, " \n", "\n") {
			t.Errorf("%s: %q, want %q", view, got, want)
		}
	}

	a.create("f", python(t, "return 1"))
	plain := table(a.id, "plain", nil)
	if plain.LatestStreamArn != nil {
		t.Errorf("a table without a stream has %s", *plain.LatestStreamArn)
	}
	other := table(fmt.Sprintf("%012d", 200000000000+accounts.Add(1)), "theirs", of(dynamotypes.StreamViewTypeKeysOnly))
	for source, message := range map[string]string{
		*plain.TableArn:        "Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported source: " + *plain.TableArn,
		*other.LatestStreamArn: "Stream not found: " + *other.LatestStreamArn,
	} {
		_, err := a.CreateEventSourceMapping(t.Context(), &mappingInput{EventSourceArn: &source, FunctionName: aws.String("f"), StartingPosition: types.EventSourcePositionLatest})
		refused[*types.InvalidParameterValueException](t, err, 400, message)
	}
}
