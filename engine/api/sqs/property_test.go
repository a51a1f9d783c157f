package sqs_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// Many senders and receivers, some of which let messages time out or give them back:
// nothing is lost, nothing that was deleted comes again, and each group of a FIFO queue is
// deleted in the order in which it was sent.
func TestManyAtOnce(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%v", fifo), func(t *testing.T) {
			t.Parallel()
			c := start(t, t.TempDir(), clock.Scaled(50))
			var attributes []string
			name := "q"
			if fifo {
				name, attributes = "q.fifo", []string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}
			}
			url := c.queue(name, append(attributes, "VisibilityTimeout", "30")...)
			const senders, each = 6, 60
			var sending, receiving sync.WaitGroup
			for sender := range senders {
				sending.Go(func() {
					for i := 0; i < each; {
						in := &awssqs.SendMessageBatchInput{QueueUrl: &url}
						for range min(1+rand.IntN(10), each-i) { //nolint:gosec // any numbers do
							entry := types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String(fmt.Sprintf("%d %d", sender, i))}
							if fifo {
								entry.MessageGroupId = aws.String(fmt.Sprint(sender))
							}
							in.Entries = append(in.Entries, entry)
							i++
						}
						if out, err := c.inside.SendMessageBatch(t.Context(), in); err != nil || len(out.Failed) > 0 {
							t.Error(err)
							return
						}
					}
				})
			}
			var mu sync.Mutex
			deleted := map[string]int{}
			last := map[string]int{}
			var left atomic.Int64
			left.Store(senders * each)
			for range 6 {
				receiving.Go(func() {
					for left.Load() > 0 && !t.Failed() {
						out, err := c.inside.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: int32(1 + rand.IntN(10)), WaitTimeSeconds: 5}) //nolint:gosec // any numbers do
						if err != nil {
							t.Error(err)
							return
						}
						for i, m := range out.Messages {
							fate := rand.IntN(20) //nolint:gosec // any number does
							if fate < 2 {         // the rest is given up too: a group must not go on without it
								for _, m := range out.Messages[i:] {
									if fate == 0 {
										_, _ = c.inside.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
									}
								}
								break
							}
							mu.Lock()
							_, err := c.inside.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
							if err != nil { // it was too late, and somebody else has it
								mu.Unlock()
								break
							}
							deleted[*m.Body]++
							if deleted[*m.Body] == 1 {
								left.Add(-1)
							}
							group, number, _ := strings.Cut(*m.Body, " ")
							n, _ := strconv.Atoi(number)
							if fifo && deleted[*m.Body] == 1 && n != last[group] {
								t.Errorf("group %s: %d was deleted when it was the turn of %d", group, n, last[group])
							}
							last[group] = n + 1
							mu.Unlock()
						}
					}
				})
			}
			sending.Wait()
			receiving.Wait()
			if len(deleted) != senders*each {
				t.Errorf("%d messages of %d came", len(deleted), senders*each)
			}
			for body, n := range deleted {
				if fifo && n != 1 {
					t.Errorf("%q was deleted %d times", body, n)
				}
			}
			c = c.restart()
			c.attributes(c.URL + "/" + account + "/" + name)
			if a := c.attributes(c.URL + "/" + account + "/" + name); a["ApproximateNumberOfMessages"] != "0" || a["ApproximateNumberOfMessagesNotVisible"] != "0" {
				t.Errorf("left %v", a)
			}
		})
	}
}

// crashDir tells a process that it is the one to be killed.
const crashDir = "SQS_TEST_CRASH_DIR"

// TestVictim is the process that TestKill kills: it sends and deletes, and tells what was
// acknowledged.
func TestVictim(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("run by TestKill")
	}
	c := start(t, dir, nil)
	url := c.queue("q", "VisibilityTimeout", "0")
	var mu sync.Mutex
	tell := func(what string, id *string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, *id)
	}
	for range 4 {
		go func() {
			for {
				if out, err := c.inside.SendMessage(context.Background(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("body")}); err == nil {
					tell("sent", out.MessageId)
				}
			}
		}()
		go func() {
			for {
				out, err := c.inside.ReceiveMessage(context.Background(), &awssqs.ReceiveMessageInput{QueueUrl: &url, VisibilityTimeout: 600})
				if err != nil {
					continue
				}
				for _, m := range out.Messages {
					if _, err := c.inside.DeleteMessage(context.Background(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err == nil {
						tell("deleted", m.MessageId)
					}
				}
			}
		}()
	}
	select {}
}

// What was acknowledged before a kill is so afterwards: what was sent is there, unless it
// was deleted, and what was deleted is not.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	sent, deleted := map[string]bool{}, map[string]bool{}
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestVictim$")
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(700*time.Millisecond, func() { _ = cmd.Process.Kill() })
		lines := bufio.NewScanner(out)
		n := 0
		for lines.Scan() {
			n++
			switch what, id, _ := strings.Cut(lines.Text(), " "); what {
			case "sent":
				sent[id] = true
			case "deleted":
				deleted[id] = true
			}
		}
		kill.Stop()
		_ = cmd.Wait() // it was killed
		if n < 10 {
			t.Fatalf("round %d: only %d lines", round, n)
		}
	}
	hands := clock.NewManual(time.Now().Add(time.Hour))
	c := start(t, dir, hands)
	url := c.URL + "/" + account + "/q"
	found := map[string]bool{}
	for {
		got := c.receive(url, func(in *awssqs.ReceiveMessageInput) { in.VisibilityTimeout = 600 })
		if len(got) == 0 {
			break
		}
		for _, m := range got {
			found[*m.MessageId] = true
		}
	}
	lost, back := 0, 0
	for id := range sent {
		if !deleted[id] && !found[id] {
			lost++
		}
	}
	for id := range deleted {
		if found[id] {
			back++
		}
	}
	t.Logf("%d sent, %d deleted, %d found", len(sent), len(deleted), len(found))
	// A deletion that was done when the kill came need not have been told.
	if lost > 3*4 || back > 0 || len(sent) == 0 || len(deleted) == 0 {
		t.Errorf("%d were lost, %d came back", lost, back)
	}
}
