package engine_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/test/emulators"
)

// queued is an engine whose mappings read queues of some kind.
type queued struct {
	account
	client *sqs.Client
}

// queueKinds are the implementations of SQS that mappings must behave alike on.
var queueKinds = map[string]func(t *testing.T) queued{
	"sqs": func(t *testing.T) queued {
		a := newAccount(t)
		return queued{a, a.sqs()}
	},
	"elasticmq": func(t *testing.T) queued { return queuesAt(t, emulators.ElasticMQ(t)) },
	"moto":      func(t *testing.T) queued { return queuesAt(t, emulators.Moto(t)) },
}

func queuesAt(t *testing.T, endpoint string) queued {
	a := accountOn(t, pollingEngine(t, map[string]string{"sqs": endpoint}).URL(), "000000000000")
	return queued{a, sqs.New(sqs.Options{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(a.id, "secret", "")})}
}

func onQueues(t *testing.T, test func(t *testing.T, q queued)) {
	for kind, open := range queueKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// testQueue is a queue that a test sends to.
type testQueue struct {
	queued
	url, arn string
}

func (q queued) new(attributes map[string]string) testQueue {
	q.Helper()
	name := "q-" + uuid.NewString()[:8]
	if attributes["FifoQueue"] != "" {
		name += ".fifo"
	}
	if attributes["VisibilityTimeout"] == "" {
		attributes["VisibilityTimeout"] = "3"
	}
	out := do(q, q.client.CreateQueue, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	got := do(q, q.client.GetQueueAttributes, &sqs.GetQueueAttributesInput{QueueUrl: out.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn}})
	return testQueue{q, *out.QueueUrl, got.Attributes["QueueArn"]} // of ElasticMQ in a region that is none
}

func (q testQueue) send(body, group string) {
	q.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body}
	if group != "" {
		in.MessageGroupId, in.MessageDeduplicationId = &group, aws.String(uuid.NewString())
	}
	do(q, q.client.SendMessage, in)
}

// left is how many messages there are in the queue, visible or not.
func (q testQueue) left() (n int) {
	q.Helper()
	out := do(q, q.client.GetQueueAttributes, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
		some, err := strconv.Atoi(out.Attributes[name])
		if err != nil {
			q.Fatal(err)
		}
		n += some
	}
	return n
}

func (q testQueue) empty() {
	q.Helper()
	q.eventually("the queue is empty", func() bool { return q.left() == 0 })
}

// mapped maps the queue to the function f.
func (q testQueue) mapped(edit ...func(*mappingInput)) {
	q.Helper()
	in := &mappingInput{EventSourceArn: &q.arn, FunctionName: aws.String("f")}
	for _, e := range edit {
		e(in)
	}
	out := do(q, q.CreateEventSourceMapping, in)
	q.settled(out.UUID, "Enabled")
}

// What the function handles is deleted; what is not for it, too.
func TestQueue(t *testing.T) {
	t.Parallel()
	onQueues(t, func(t *testing.T, k queued) {
		q := k.new(map[string]string{"VisibilityTimeout": "120"})
		calls := q.recorder("f", "assert all(r['eventSource'] == 'aws:sqs' and r['attributes']['ApproximateReceiveCount'] == '1' and r['messageAttributes'] == {} and r['awsRegion'] == 'us-west-2' for r in event['Records'])")
		want := numbered("m-", 23)
		for _, body := range want {
			q.send(body, "")
		}
		q.send("not for it", "")
		q.mapped(func(in *mappingInput) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":[{"prefix":"m-"}]}`)}}}
		})
		got := q.handled(calls, 23)
		q.empty()
		if slices.Sort(got); len(got) != 23 || !slices.Equal(slices.Compact(got), sorted(want)) {
			t.Errorf("handled %v", got)
		}
		for _, c := range calls() {
			if c.Failed || len(c.Texts) > 10 {
				t.Errorf("call %+v", c)
			}
		}
	})
}

// firsts are texts less those that come again: on a slow machine a message may, when its
// visibility timeout is over before the function is.
func firsts(all []string) (once []string) {
	for _, text := range all {
		if !slices.Contains(once, text) {
			once = append(once, text)
		}
	}
	return once
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// A batch that fails comes again when its visibility timeout is over, and goes to the
// dead-letter queue in the end; of a report only what it names.
func TestQueueRetries(t *testing.T) {
	t.Parallel()
	onQueues(t, func(t *testing.T, k queued) {
		dead := k.new(map[string]string{})
		q := k.new(map[string]string{"VisibilityTimeout": "3", "RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"2"}`, dead.arn)})
		calls := q.recorder("f", "return {'batchItemFailures': [{'itemIdentifier': i} for t, i in zip(texts, ids) if t.startswith('bad')]}")
		q.mapped(func(in *mappingInput) {
			in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
		})
		for _, body := range []string{"good-1", "bad-1", "good-2", "bad-2"} {
			q.send(body, "")
		}
		q.eventually("the bad ones are dead", func() bool { return dead.left() == 2 })
		q.empty()
		tried := map[string]int{}
		for _, text := range texts(calls()) {
			tried[text]++
		}
		if tried["good-1"] == 0 || tried["good-2"] == 0 || tried["bad-1"] != 2 || tried["bad-2"] != 2 {
			t.Errorf("handled %v", tried)
		}
	})
}

// The messages of a group come in their order, those of several groups beside each
// other; a group that fails holds up itself alone.
func TestQueueGroups(t *testing.T) {
	t.Parallel()
	onQueues(t, func(t *testing.T, k queued) {
		if strings.HasSuffix(t.Name(), "/moto") {
			t.Skip("moto hands out messages of a group while earlier ones are in flight")
		}
		q := k.new(map[string]string{"FifoQueue": "true"})
		ready := filepath.Join(t.TempDir(), "ready")
		calls := q.recorder("f", fmt.Sprintf("if 'a-2' in texts and not os.path.exists(%q):\n    open(%q, 'w')\n    raise Exception('not yet')", ready, ready))
		for i := range 8 {
			for _, group := range []string{"a", "b", "c"} {
				q.send(fmt.Sprintf("%s-%d", group, i), group)
			}
		}
		q.mapped(func(in *mappingInput) { in.BatchSize = aws.Int32(3) })
		good := func() []string { return firsts(texts(succeeded(calls()))) }
		q.eventually("all are handled", func() bool { return len(good()) == 24 })
		for _, group := range []string{"a", "b", "c"} {
			if got := withPrefix(good(), group); !slices.Equal(got, numbered(group+"-", 8)) {
				t.Errorf("group %s: %v", group, got)
			}
		}
		q.empty()
	})
}

// No more calls run at a time than the mapping allows.
func TestQueueConcurrency(t *testing.T) {
	t.Parallel()
	onQueues(t, func(t *testing.T, k queued) {
		q := k.new(map[string]string{"VisibilityTimeout": "30"})
		dir := t.TempDir()
		calls := q.recorder("f", fmt.Sprintf(`
mine = os.path.join(%q, context.aws_request_id)
open(mine, 'w')
time.sleep(0.2)
n = len(os.listdir(%q))
os.remove(mine)
if n > 2: raise Exception('%%d at a time' %% n)`, dir, dir))
		for _, body := range numbered("m-", 8) {
			q.send(body, "")
		}
		q.mapped(func(in *mappingInput) {
			in.BatchSize, in.ScalingConfig = aws.Int32(1), &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}
		})
		q.handled(calls, 8)
		for _, c := range calls() {
			if c.Failed {
				t.Error("three calls ran at a time")
			}
		}
	})
}

// With a batching window messages wait for each other.
func TestQueueWindow(t *testing.T) {
	t.Parallel()
	onQueues(t, func(t *testing.T, k queued) {
		q := k.new(map[string]string{"VisibilityTimeout": "30"})
		calls := q.recorder("f", "pass")
		q.mapped(func(in *mappingInput) {
			in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(25), aws.Int32(60)
		})
		for _, body := range numbered("m-", 25) {
			q.send(body, "")
		}
		q.handled(calls, 25)
		if got := calls(); len(got) != 1 {
			t.Errorf("%d calls", len(got))
		}
	})
}

// Spec api F.3, today's rules for queues.
func TestQueueMapping(t *testing.T) {
	t.Parallel()
	k := queueKinds["sqs"](t)
	q, fifo := k.new(map[string]string{"VisibilityTimeout": "2"}), k.new(map[string]string{"FifoQueue": "true", "VisibilityTimeout": "30"})
	k.create("f", python(t, "return 1"))
	create := func(arn string, edit func(in *mappingInput)) (*lambda.CreateEventSourceMappingOutput, error) {
		in := &mappingInput{EventSourceArn: &arn, FunctionName: aws.String("f"), Enabled: aws.Bool(false)}
		edit(in)
		return k.CreateEventSourceMapping(t.Context(), in)
	}
	_, err := create(q.arn, func(*mappingInput) {})
	refused[*types.InvalidParameterValueException](t, err, 400, "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds")
	do(t, q.client.SetQueueAttributes, &sqs.SetQueueAttributesInput{QueueUrl: &q.url, Attributes: map[string]string{"VisibilityTimeout": "30"}})
	for message, c := range map[string]struct {
		arn  string
		edit func(in *mappingInput)
	}{
		"Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue…": {q.arn + "x", func(*mappingInput) {}},
		"Maximum batch window in seconds must be greater than 0 if maximum batch size is…":              {q.arn, func(in *mappingInput) { in.BatchSize = aws.Int32(11) }},
		"Batching window is not supported for FIFO queues":                                              {fifo.arn, func(in *mappingInput) { in.MaximumBatchingWindowInSeconds = aws.Int32(1) }},
		"Maximum batch size for FIFO queues…":                                                           {fifo.arn, func(in *mappingInput) { in.BatchSize = aws.Int32(11) }},
		"StartingPosition is not valid for SQS…":                                                        {q.arn, func(in *mappingInput) { in.StartingPosition = types.EventSourcePositionLatest }},
		"MaximumRetryAttempts is not valid…":                                                            {q.arn, func(in *mappingInput) { in.MaximumRetryAttempts = aws.Int32(1) }},
	} {
		_, err := create(c.arn, c.edit)
		refused[*types.InvalidParameterValueException](t, err, 400, message)
	}
	m := must[*lambda.CreateEventSourceMappingOutput](t)(create(q.arn, func(*mappingInput) {}))
	if *m.BatchSize != 10 || *m.State != "Disabled" || *m.StateTransitionReason != "USER_INITIATED" || m.ParallelizationFactor != nil || m.StartingPosition != "" || m.LastProcessingResult != nil || m.DestinationConfig != nil {
		t.Errorf("mapping %+v", m)
	}
	_, err = create(q.arn, func(*mappingInput) {})
	refused[*types.ResourceConflictException](t, err, 409, "An event source mapping with SQS arn…")
	k.settled(m.UUID, "Disabled")
	got := do(t, k.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(7)}})
	if *got.ScalingConfig.MaximumConcurrency != 7 {
		t.Errorf("scaled: %+v", got)
	}
	k.settled(m.UUID, "Disabled")
	_, err = k.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, ProvisionedPollerConfig: &types.ProvisionedPollerConfig{MinimumPollers: aws.Int32(2)}})
	refused[*types.InvalidParameterValueException](t, err, 400, "ScalingConfig and ProvisionedPollerConfig…")
	got = do(t, k.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, ScalingConfig: &types.ScalingConfig{}})
	if got.ScalingConfig != nil {
		t.Errorf("not scaled: %+v", got)
	}
}

// Messages that are too large for one event come in several; none is lost.
func TestQueueOfLargeMessages(t *testing.T) {
	t.Parallel()
	k := queueKinds["sqs"](t)
	q := k.new(map[string]string{"VisibilityTimeout": "60"})
	calls := q.recorder("f", "if len(json.dumps(event)) > 6291556: raise Exception('too large')")
	for i := range 8 {
		q.send(strings.Repeat(string(rune('a'+i)), 1<<20-64), "")
	}
	q.mapped()
	got := q.handled(calls, 8)
	q.empty()
	if len(firsts(got)) != 8 || len(succeeded(calls())) != len(calls()) {
		t.Errorf("%d messages in %d calls", len(got), len(calls()))
	}
}
