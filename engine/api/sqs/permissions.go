package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// policy is the attribute Policy.
type policy struct {
	Version   string
	ID        string `json:"Id,omitempty"`
	Statement []json.RawMessage
}

// statement is what is understood of a statement of a policy.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    any
	Resource  any
	Condition any `json:",omitempty"`
}

// texts are one text or several, as policies have them.
func textsOf(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			if text, ok := item.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}

// one is the reverse of textsOf.
func one(texts []string) any {
	if len(texts) == 1 {
		return texts[0]
	}
	return texts
}

// permits tells whether a caller may use the queue for what he is about to. Callers of the
// queue's account may, others need a statement of its policy. Statements with conditions
// are not taken into account.
func (q *queue) permits(caller wire.Caller) error {
	if caller.Account == q.account {
		return nil
	}
	d, _ := q.settings()
	var p policy
	_ = json.Unmarshal([]byte(d.Attributes["Policy"]), &p) // it was checked when it was set
	allowed := false
	for _, raw := range p.Statement {
		var s statement
		if json.Unmarshal(raw, &s) != nil || s.Condition != nil || !s.concerns(caller, q.arn()) {
			continue
		}
		if s.Effect == "Deny" {
			allowed = false
			break
		}
		allowed = true
	}
	if !allowed {
		return &wire.Error{Code: "AccessDeniedException", Status: 403, Message: fmt.Sprintf(
			"User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %[2]s action", caller.Name(), strings.ToLower(caller.Action), q.arn(),
		)}
	}
	return nil
}

func (s statement) concerns(caller wire.Caller, arn string) bool {
	like := func(what string) func(string) bool {
		return func(pattern string) bool {
			ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(what))
			return ok && err == nil
		}
	}
	principals := textsOf(s.Principal)
	if by, ok := s.Principal.(map[string]any); ok {
		principals = textsOf(by["AWS"])
	}
	return slices.ContainsFunc(principals, func(p string) bool {
		return p == "*" || p == caller.Principal || p == caller.Account || p == wire.Root(caller.Account).Principal
	}) && slices.ContainsFunc(textsOf(s.Action), like(strings.TrimSuffix(caller.Action, "Batch"))) &&
		slices.ContainsFunc(textsOf(s.Resource), like(arn))
}

// grantable are the actions that AddPermission gives.
var grantable = []string{
	"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",
}

// AddPermission adds a statement to the queue's policy.
func (s *Service) AddPermission(ctx context.Context, in *sqs.AddPermissionInput) (*sqs.AddPermissionOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	added := statement{Sid: aws.ToString(in.Label), Effect: "Allow", Resource: q.arn()}
	var principals, actions []string
	for _, account := range in.AWSAccountIds {
		principals = append(principals, wire.Root(account).Principal)
	}
	for _, action := range in.Actions {
		if !slices.Contains(grantable, action) {
			return nil, invalidValue("SQS:"+action, "ActionName", "Please refer to the appropriate WSDL for a list of valid actions. ")
		}
		actions = append(actions, "SQS:"+action)
	}
	switch {
	case len(principals) == 0:
		return nil, missing("AWSAccountIds")
	case len(actions) == 0:
		return nil, missing("Actions")
	case !queueName.MatchString(added.Sid):
		return nil, invalidValue(added.Sid, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
	}
	added.Principal, added.Action = map[string]any{"AWS": one(principals)}, one(actions)
	return &sqs.AddPermissionOutput{}, q.changePolicy(ctx, func(p *policy) error {
		if p.index(added.Sid) >= 0 {
			return invalidValue(added.Sid, "Label", "Already exists.")
		}
		raw, err := json.Marshal(added)
		p.Statement = append(p.Statement, raw)
		return err
	})
}

// RemovePermission removes a statement of the queue's policy.
func (s *Service) RemovePermission(ctx context.Context, in *sqs.RemovePermissionInput) (*sqs.RemovePermissionOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.RemovePermissionOutput{}, q.changePolicy(ctx, func(p *policy) error {
		i := p.index(*in.Label)
		if i < 0 {
			return invalidValue(*in.Label, "Label", "can't find label.")
		}
		p.Statement = slices.Delete(p.Statement, i, i+1)
		return nil
	})
}

func (p *policy) index(label string) int {
	return slices.IndexFunc(p.Statement, func(raw json.RawMessage) bool {
		var s statement
		return json.Unmarshal(raw, &s) == nil && s.Sid == label
	})
}

// changePolicy changes the attribute Policy, which is no more when it has no statement.
func (q *queue) changePolicy(ctx context.Context, change func(*policy) error) error {
	return q.change(ctx, func(d *document) error {
		p := policy{Version: "2008-10-17", ID: q.arn() + "/SQSDefaultPolicy"}
		if text := d.Attributes["Policy"]; text != "" {
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				return fmt.Errorf("read policy of queue %s: %w", q.name, err)
			}
		}
		if err := change(&p); err != nil {
			return err
		}
		d.Modified = q.s.clock.Now().Unix()
		if len(p.Statement) == 0 {
			delete(d.Attributes, "Policy")
			return nil
		}
		raw, err := json.Marshal(p)
		d.Attributes["Policy"] = string(raw)
		return err
	})
}
