package sqs_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/api/sqs"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

const (
	region  = "eu-west-1"
	account = "000000000000"
)

// cloud is a server of SQS on a store of its own.
type cloud struct {
	testing.TB
	*awssqs.Client
	URL     string
	dir     string
	clock   clock.Clock
	store   *store.Store
	service *sqs.Service
	server  *httptest.Server
	inside  *awssqs.Client // without a connection
	stop    context.CancelFunc
}

// start opens a store in dir and serves its queues.
func start(t testing.TB, dir string, c clock.Clock) *cloud {
	t.Helper()
	s, err := store.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stopping, stop := context.WithCancel(context.Background())
	service, err := sqs.New(t.Context(), sqs.Options{Store: s, Clock: c, Stopping: stopping})
	if err != nil {
		t.Fatal(err)
	}
	api, err := service.Wire()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(wire.NewServer(wire.ServerConfig{Logger: logger(t)}, api))
	cl := &cloud{TB: t, URL: server.URL, dir: dir, clock: c, store: s, service: service, server: server, stop: stop}
	cl.Client = cl.as("AKID")
	cl.inside = awssqs.New(cl.Options(), func(o *awssqs.Options) { o.HTTPClient = inside{server.Config.Handler} })
	t.Cleanup(cl.close)
	return cl
}

// logger tells of errors; or, for the table of test/compatibility, of every request.
func logger(t testing.TB) *slog.Logger {
	records := os.Getenv("COMPATIBILITY_DIR")
	if records == "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	file, err := os.CreateTemp(records, "sqs-*.log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	log := slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log.Info("test", "account", account, "name", t.Name())
	return log
}

// as is a client with that access key.
func (c *cloud) as(key string) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: region, BaseEndpoint: &c.URL, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider(key, "s", ""),
	})
}

func (c *cloud) close() {
	if c.store == nil {
		return
	}
	c.stop()
	c.server.Close()
	c.service.Close()
	c.store.Close()
	c.store = nil
}

// restart closes everything and opens it again.
func (c *cloud) restart() *cloud {
	c.close()
	return start(c.TB, c.dir, c.clock)
}

// inside has a handler answer requests, without a connection.
type inside struct{ http.Handler }

func (i inside) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// queue makes a queue with attributes given as pairs, and returns its URL.
func (c *cloud) queue(name string, attributes ...string) string {
	c.Helper()
	in := &awssqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	return *must[*awssqs.CreateQueueOutput](c)(c.CreateQueue(c.Context(), in)).QueueUrl
}

func (c *cloud) send(url, body string, edit ...func(*awssqs.SendMessageInput)) *awssqs.SendMessageOutput {
	c.Helper()
	in := &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}
	for _, e := range edit {
		e(in)
	}
	return must[*awssqs.SendMessageOutput](c)(c.SendMessage(c.Context(), in))
}

// receive takes up to ten messages without waiting.
func (c *cloud) receive(url string, edit ...func(*awssqs.ReceiveMessageInput)) []types.Message {
	c.Helper()
	in := &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	for _, e := range edit {
		e(in)
	}
	return must[*awssqs.ReceiveMessageOutput](c)(c.ReceiveMessage(c.Context(), in)).Messages
}

func (c *cloud) delete(url string, m types.Message) {
	c.Helper()
	must[*awssqs.DeleteMessageOutput](c)(c.DeleteMessage(c.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}))
}

func bodies(messages []types.Message) (all []string) {
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return all
}

// attributes of a queue, all of them.
func (c *cloud) attributes(url string) map[string]string {
	c.Helper()
	return must[*awssqs.GetQueueAttributesOutput](c)(c.GetQueueAttributes(c.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})).Attributes
}
