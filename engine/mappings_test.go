package engine_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const noMapping = "00000000-0000-0000-0000-000000000000"

// stream makes a Kinesis stream of one shard and returns its ARN.
func (a account) stream(name string) string {
	a.Helper()
	if _, err := a.streams.CreateStream(a.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}); err != nil {
		a.Fatal(err)
	}
	a.eventually("the stream is active", func() bool {
		out, err := a.streams.DescribeStreamSummary(a.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
		return err == nil && out.StreamDescriptionSummary.StreamStatus == "ACTIVE"
	})
	return "arn:aws:kinesis:" + region + ":" + a.id + ":stream/" + name
}

// mapping feeds a function from a new stream.
func (a account) mapping(stream, function string) *lambda.CreateEventSourceMappingOutput {
	a.Helper()
	out, err := a.CreateEventSourceMapping(a.Context(), &lambda.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(a.stream(stream)), FunctionName: &function, StartingPosition: types.EventSourcePositionTrimHorizon,
	})
	if err != nil {
		a.Fatal(err)
	}
	return out
}

// settled waits until a mapping is in a state.
func (a account) settled(id *string, state string) *lambda.GetEventSourceMappingOutput {
	a.Helper()
	var got *lambda.GetEventSourceMappingOutput
	a.eventually("the mapping is "+state, func() bool {
		got = must[*lambda.GetEventSourceMappingOutput](a)(a.GetEventSourceMapping(a.Context(), &lambda.GetEventSourceMappingInput{UUID: id}))
		return *got.State == state
	})
	return got
}

// unmap deletes a mapping, and waits until it is gone.
func (a account) unmap(id *string) {
	a.Helper()
	out := do(a, a.DeleteEventSourceMapping, &lambda.DeleteEventSourceMappingInput{UUID: id})
	if *out.State != "Deleting" {
		a.Errorf("deleted: %s", *out.State)
	}
	a.eventually("the mapping is gone", func() bool {
		_, err := a.GetEventSourceMapping(a.Context(), &lambda.GetEventSourceMappingInput{UUID: id})
		return err != nil
	})
}

// put writes records to a stream, all into one shard and in order.
func (a account) put(stream string, records ...string) {
	a.Helper()
	for _, r := range records {
		if _, err := a.streams.PutRecord(a.Context(), &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: aws.String("k"), Data: []byte(r)}); err != nil {
			a.Fatal(err)
		}
	}
}

// eventually waits for a condition that another process brings about.
func (a account) eventually(what string, ok func() bool) {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), 30*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			a.Fatalf("waited in vain until %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Spec api F.3, F.9, F.6.
func TestEventSourceMapping(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.alias("f", "PROD", "1")
	source := a.stream("s")
	type input = lambda.CreateEventSourceMappingInput
	create := func(edit func(in *input)) (*lambda.CreateEventSourceMappingOutput, error) {
		in := &input{EventSourceArn: &source, FunctionName: aws.String("f"), StartingPosition: types.EventSourcePositionTrimHorizon}
		edit(in)
		return a.CreateEventSourceMapping(t.Context(), in)
	}
	m := must[*lambda.CreateEventSourceMappingOutput](t)(create(func(*input) {}))
	if *m.BatchSize != 100 || *m.State != "Creating" || *m.LastProcessingResult != "No records processed" || *m.FunctionArn != a.arn("f") || len(*m.UUID) != 36 || *m.EventSourceMappingArn != "arn:aws:lambda:"+region+":"+a.id+":event-source-mapping:"+*m.UUID || time.Since(*m.LastModified).Abs() > time.Minute {
		t.Errorf("mapping %+v", m)
	}
	if got := a.settled(m.UUID, "Enabled"); *got.EventSourceArn != source {
		t.Errorf("settled: a mapping of %s", *got.EventSourceArn)
	}
	off := must[*lambda.CreateEventSourceMappingOutput](t)(create(func(in *input) { in.FunctionName, in.Enabled = aws.String("f:PROD"), aws.Bool(false) }))
	if *off.State != "Disabled" || *off.FunctionArn != a.arn("f:PROD") {
		t.Errorf("%s of %s", *off.State, *off.FunctionArn)
	}

	_, err := create(func(in *input) { in.FunctionName = aws.String(a.id + ":f") })
	refused[*types.ResourceConflictException](t, err, 409, fmt.Sprintf("The event source arn (\" %s \") and function (\" f \") provided mapping already exists. Please update or delete the existing mapping with UUID %s", source, *m.UUID))
	missing := strings.Replace(source, "/s", "/missing", 1)
	for message, edit := range map[string]func(in *input){
		"Function does not exist":                                  func(in *input) { in.FunctionName = aws.String("nope") },
		"Function does not exist…":                                 func(in *input) { in.FunctionName = aws.String("f:9") },
		"Stream not found: " + missing:                             func(in *input) { in.EventSourceArn = &missing },
		"Unrecognized event source.":                               func(in *input) { in.EventSourceArn = nil },
		"1 validation error detected: Value null at 'startingPo…":  func(in *input) { in.StartingPosition = "" },
		"1 validation error detected: Value null at 'startingPos…": func(in *input) { in.StartingPosition = types.EventSourcePositionAtTimestamp },
		"Event sources of the kind kafka are not supported…": func(in *input) {
			in.EventSourceArn = aws.String("arn:aws:kafka:us-west-2:" + a.id + ":cluster/c/1")
		},
		"Unrecognized event source, must be…":          func(in *input) { in.EventSourceArn = aws.String("arn:aws:dynamodb:us-west-2:" + a.id + ":table/t") },
		"ScalingConfig is not valid…":                  func(in *input) { in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)} },
		"The event source must be in the same region…": func(in *input) { in.EventSourceArn = aws.String(strings.Replace(source, region, "eu-west-1", 1)) },
		"Maximum record age in seconds must be…":       func(in *input) { in.MaximumRecordAgeInSeconds = aws.Int32(59) },
		"Tumbling windows are only supported…":         func(in *input) { in.TumblingWindowInSeconds, in.ParallelizationFactor = aws.Int32(1), aws.Int32(2) },
		"Invalid filter pattern definition.": func(in *input) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"data":["x"]}`)}}}
		},
		"Invalid destination ARN…": func(in *input) {
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-west-2:" + a.id + ":q.fifo")}}
		},
		"Event source mappings of streams and queues have…": func(in *input) {
			in.MetricsConfig = &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{types.EventSourceMappingMetricKafkaMetrics}}
		},
		"StartingPositionTimestamp is only valid…": func(in *input) { in.StartingPositionTimestamp = aws.Time(time.Now()) },
		"StartingPositionTimestamp cannot be…": func(in *input) {
			in.StartingPosition, in.StartingPositionTimestamp = types.EventSourcePositionAtTimestamp, aws.Time(time.Now().Add(time.Hour))
		},
	} {
		_, err := create(edit)
		refused[*types.InvalidParameterValueException](t, err, 400, message)
	}
	for name, edit := range map[string]func(in *input){
		"position":   func(in *input) { in.StartingPosition = "NEWEST" },
		"no batch":   func(in *input) { in.BatchSize = aws.Int32(0) },
		"long batch": func(in *input) { in.BatchSize = aws.Int32(10001) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(edit)
			invalid(t, err)
		})
	}

	a.unmap(m.UUID)
	for _, id := range []string{*m.UUID, noMapping} {
		_, err = a.DeleteEventSourceMapping(t.Context(), &lambda.DeleteEventSourceMappingInput{UUID: &id})
		refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
		_, err = a.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &id})
		refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	}
	again := must[*lambda.CreateEventSourceMappingOutput](t)(create(func(*input) {}))
	if *again.UUID == *m.UUID {
		t.Error("the new mapping has the UUID of the deleted one")
	}
}

// A mapping is nobody's but its account's.
func TestMappingOfAnotherAccount(t *testing.T) {
	t.Parallel()
	owner, stranger := newAccount(t), newAccount(t)
	owner.create("f", python(t, "return 1"))
	m := owner.mapping("s", "f")
	_, err := stranger.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: m.UUID})
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	_, err = stranger.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, Enabled: aws.Bool(false)})
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	_, err = stranger.DeleteEventSourceMapping(t.Context(), &lambda.DeleteEventSourceMappingInput{UUID: m.UUID})
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	_, err = stranger.ListTags(t.Context(), &lambda.ListTagsInput{Resource: m.EventSourceMappingArn})
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
}

// Of many who map one stream to one function at the same time, one succeeds.
func TestConcurrentMappings(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	source := a.stream("s")
	var mu sync.Mutex
	created := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := a.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{EventSourceArn: &source, FunctionName: aws.String("f"), StartingPosition: types.EventSourcePositionLatest})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				created++
				return
			}
			refused[*types.ResourceConflictException](t, err, 409, "The event source arn…")
		})
	}
	wg.Wait()
	if created != 1 {
		t.Errorf("%d mappings of one pair were created", created)
	}
}

// Spec api F.16.
func TestListEventSourceMappings(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.alias("f", "PROD", "1")
	one := a.mapping("one", "f")
	two := a.mapping("two", "f")
	three := a.mapping("three", "f:PROD")
	list := func(in lambda.ListEventSourceMappingsInput) (ids []string, next *string) {
		t.Helper()
		out := must[*lambda.ListEventSourceMappingsOutput](t)(a.ListEventSourceMappings(t.Context(), &in))
		for _, m := range out.EventSourceMappings {
			ids = append(ids, *m.UUID)
		}
		return ids, out.NextMarker
	}
	sorted := func(ms ...*lambda.CreateEventSourceMappingOutput) (ids []string) {
		for _, m := range ms {
			ids = append(ids, *m.UUID)
		}
		slices.Sort(ids)
		return ids
	}
	for name, c := range map[string]struct {
		in   lambda.ListEventSourceMappingsInput
		want []string
	}{
		"all":      {lambda.ListEventSourceMappingsInput{}, sorted(one, two, three)},
		"function": {lambda.ListEventSourceMappingsInput{FunctionName: aws.String("f")}, sorted(one, two)},
		"arn":      {lambda.ListEventSourceMappingsInput{FunctionName: aws.String(a.arn("f"))}, sorted(one, two)},
		"alias":    {lambda.ListEventSourceMappingsInput{FunctionName: aws.String("f:PROD")}, sorted(three)},
		"source":   {lambda.ListEventSourceMappingsInput{EventSourceArn: two.EventSourceArn}, sorted(two)},
		"both":     {lambda.ListEventSourceMappingsInput{EventSourceArn: three.EventSourceArn, FunctionName: aws.String("f")}, nil},
	} {
		if got, _ := list(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	first, next := list(lambda.ListEventSourceMappingsInput{MaxItems: aws.Int32(2)})
	second, end := list(lambda.ListEventSourceMappingsInput{MaxItems: aws.Int32(2), Marker: next})
	if !slices.Equal(append(first, second...), sorted(one, two, three)) || end != nil {
		t.Errorf("pages %v, %v", first, second)
	}
	if plain, slash := a.send("GET", "/2015-03-31/event-source-mappings", ""), a.send("GET", "/2015-03-31/event-source-mappings/", ""); plain.status != 200 || plain.body != slash.body {
		t.Errorf("%d %s; with a slash %d %s", plain.status, plain.body, slash.status, slash.body)
	}
	if got := a.send("GET", "/2015-03-31/event-source-mappings?MaxItems=0", ""); got.status != 400 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if none, _ := list(lambda.ListEventSourceMappingsInput{FunctionName: aws.String("nope")}); none != nil { // as after the deletion of a function
		t.Errorf("of a function that is not there: %v", none)
	}
	a.settled(one.UUID, "Enabled")
	a.unmap(one.UUID)
	if left, _ := list(lambda.ListEventSourceMappingsInput{}); !slices.Equal(left, sorted(two, three)) {
		t.Errorf("after the deletion of one: %v", left)
	}

	for i := range 99 { // with the two, more than a page holds
		alias := fmt.Sprintf("a-%d", i)
		a.alias("f", alias, "1")
		do(t, a.CreateEventSourceMapping, &lambda.CreateEventSourceMappingInput{
			EventSourceArn: two.EventSourceArn, FunctionName: aws.String("f:" + alias), StartingPosition: types.EventSourcePositionLatest, Enabled: aws.Bool(false),
		})
	}
	full, next := list(lambda.ListEventSourceMappingsInput{MaxItems: aws.Int32(10000)})
	if rest, _ := list(lambda.ListEventSourceMappingsInput{Marker: next}); len(full) != 100 || len(rest) != 1 {
		t.Errorf("pages of %d and %d mappings", len(full), len(rest))
	}
}

// Spec api F.6.5: a mapping that is made anew knows nothing of the one before.
func TestMappingMadeAnew(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	seen := filepath.Join(t.TempDir(), "seen")
	a.create("f", python(t, fmt.Sprintf("open(%q, 'a').write(''.join(r['kinesis']['data'] + ' ' for r in event['Records']))", seen)))
	arrived := func(want ...string) {
		t.Helper()
		var text strings.Builder
		for _, record := range want {
			text.WriteString(base64.StdEncoding.EncodeToString([]byte(record)) + " ")
		}
		a.eventually(fmt.Sprint(want, " have arrived"), func() bool {
			raw, _ := os.ReadFile(seen)
			return string(raw) == text.String()
		})
	}
	m := a.mapping("s", "f")
	a.put("s", "1", "2")
	arrived("1", "2")
	a.unmap(m.UUID)
	again := &lambda.CreateEventSourceMappingInput{EventSourceArn: m.EventSourceArn, FunctionName: aws.String("f"), StartingPosition: types.EventSourcePositionTrimHorizon}
	m.UUID = do(t, a.CreateEventSourceMapping, again).UUID
	arrived("1", "2", "1", "2")
	a.unmap(m.UUID)
	again.StartingPosition = types.EventSourcePositionLatest
	do(t, a.CreateEventSourceMapping, again)
	a.put("s", "3")
	arrived("1", "2", "1", "2", "3")
}

// Spec api F.22, F.9.4: records keep coming, in order and each once, through
// every change of a mapping.
func TestMappingDelivers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	seen := filepath.Join(t.TempDir(), "seen")
	code := fmt.Sprintf("open(%q, 'a').write(''.join(r['kinesis']['data'] + '\\n' for r in event['Records']))", seen)
	a.create("f", python(t, code))
	a.create("other", python(t, code))
	m := a.mapping("s", "f")
	type input = lambda.UpdateEventSourceMappingInput
	update := func(in input) (*lambda.UpdateEventSourceMappingOutput, error) {
		if in.UUID == nil {
			in.UUID = m.UUID
			a.eventually("the mapping can be changed", func() bool {
				got := must[*lambda.GetEventSourceMappingOutput](t)(a.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: m.UUID}))
				return *got.State == "Enabled" || *got.State == "Disabled"
			})
		}
		return a.UpdateEventSourceMapping(t.Context(), &in)
	}
	arrived := func() []string {
		raw, err := os.ReadFile(seen)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		var records []string
		for line := range strings.Lines(string(raw)) {
			data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, string(data))
		}
		return records
	}
	var all []string
	put := func(n int) {
		for range n {
			all = append(all, fmt.Sprintf("record %03d", len(all)))
			a.put("s", all[len(all)-1])
		}
	}
	await := func() {
		t.Helper()
		a.eventually("all records have arrived", func() bool { return len(arrived()) >= len(all) })
		if got := arrived(); !slices.Equal(got, all) {
			t.Fatalf("arrived %v, want %v", got, all)
		}
	}
	put(5)
	await()
	a.eventually("the result is OK", func() bool {
		got := must[*lambda.GetEventSourceMappingOutput](t)(a.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: m.UUID}))
		return *got.LastProcessingResult == "OK"
	})

	if out := must[*lambda.UpdateEventSourceMappingOutput](t)(update(input{Enabled: aws.Bool(false)})); *out.State != "Disabling" {
		t.Errorf("state %s", *out.State)
	}
	put(3)
	a.settled(m.UUID, "Disabled")
	if out := must[*lambda.UpdateEventSourceMappingOutput](t)(update(input{Enabled: aws.Bool(true)})); *out.State != "Enabling" {
		t.Errorf("state %s", *out.State)
	}
	await()
	out := must[*lambda.UpdateEventSourceMappingOutput](t)(update(input{BatchSize: aws.Int32(2)}))
	if *out.BatchSize != 2 || *out.EventSourceArn != *m.EventSourceArn || out.StartingPosition != m.StartingPosition {
		t.Errorf("updated %+v", out)
	}
	put(5)
	await()
	if out := must[*lambda.UpdateEventSourceMappingOutput](t)(update(input{FunctionName: aws.String("other")})); *out.FunctionArn != a.arn("other") {
		t.Errorf("retargeted to %s", *out.FunctionArn)
	}
	put(3)
	await()

	_, err := update(input{FunctionName: aws.String("nope")})
	refused[*types.InvalidParameterValueException](t, err, 400, "Function does not exist")
	_, err = update(input{UUID: aws.String(noMapping)})
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	for _, size := range []int32{0, 10001} {
		_, err = update(input{BatchSize: &size})
		invalid(t, err)
	}
	other := a.send("PUT", "/2015-03-31/event-source-mappings/"+*m.UUID, `{"EventSourceArn":"arn:aws:kinesis:us-west-2:123456789012:stream/other"}`)
	if other.status != 202 || other.field("EventSourceArn") != *m.EventSourceArn { // no member of the request: left unread
		t.Errorf("%d %s", other.status, other.body)
	}
	must[*lambda.CreateEventSourceMappingOutput](t)(a.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
		EventSourceArn: m.EventSourceArn, FunctionName: aws.String("f"), StartingPosition: types.EventSourcePositionLatest, Enabled: aws.Bool(false),
	}))
	_, err = update(input{FunctionName: aws.String("f")})
	refused[*types.ResourceConflictException](t, err, 409, "The event source arn…")
}

// Spec usecases §4: a batch that fails comes again, before any later record.
func TestMappingRetriesInOrder(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := t.TempDir()
	a.create("f", python(t, fmt.Sprintf(`
    import json
    open(%q, 'a').write(json.dumps([r['kinesis']['data'] for r in event['Records']]) + '\n')
    if not os.path.exists(%q): raise Exception('not yet')`, filepath.Join(dir, "seen"), filepath.Join(dir, "ready"))))
	a.mapping("s", "f")
	a.put("s", "1")
	batches := func() (all [][]string) {
		raw, _ := os.ReadFile(filepath.Join(dir, "seen"))
		for line := range strings.Lines(string(raw)) {
			var batch []string
			if err := json.Unmarshal([]byte(line), &batch); err == nil {
				all = append(all, batch)
			}
		}
		return all
	}
	a.eventually("the batch has been tried", func() bool { return len(batches()) > 0 })
	a.put("s", "2")
	a.eventually("the batch has been tried again", func() bool { return len(batches()) > 1 })
	if err := os.WriteFile(filepath.Join(dir, "ready"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	a.eventually("the second record has arrived", func() bool { return slices.Contains(batches()[len(batches())-1], encode("2")) })
	all := batches()
	for _, batch := range all[:len(all)-1] {
		if !slices.Equal(batch, []string{encode("1")}) {
			t.Errorf("batches %v", all)
		}
	}
}
