package catalog

import (
	"encoding/json"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// maxPolicySize is the limit of a policy document in bytes.
const maxPolicySize = 20480

// Policy is the resource policy of one ARN: the function's unqualified one, a
// version's or an alias's (spec api §C.5, §C.6).
type Policy struct {
	Statements []Statement
	RevisionID string
}

// Statement is one grant. Its values are single strings, never lists, because
// clients decode them so (spec api §E.9).
type Statement struct {
	Sid       string
	Effect    string
	Principal any // "*", {"Service": …} or {"AWS": …}
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// Document returns the JSON text of the policy.
func (p Policy) Document() string {
	doc, _ := json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []Statement
	}{"2012-10-17", "default", p.Statements})
	return string(doc)
}

// CheckQualifier answers as AWS does when the version or alias of a request is missing.
func (f *Function) CheckQualifier(qualifier string) error {
	if _, ok := f.VersionOf(qualifier); ok {
		return nil
	}
	arn := f.Ref().With(qualifier).ARN()
	if qualifier == LatestVersion || isDigits(qualifier) {
		return NotFound("Function not found: %s", arn)
	}
	return NotFound("Cannot find alias arn: %s", arn)
}

// AddPermission appends a statement to the policy of the ARN that qualifier selects.
func (f *Function) AddPermission(l Limits, qualifier string, in *lambda.AddPermissionInput) (Statement, error) {
	if qualifier == LatestVersion && !l.LatestPolicy {
		return Statement{}, Invalid("We currently do not support adding policies for $LATEST.")
	}
	if err := f.CheckQualifier(qualifier); err != nil {
		return Statement{}, err
	}
	policy := f.Policies[qualifier]
	if in.RevisionId != nil && *in.RevisionId != policy.RevisionID {
		return Statement{}, stale("GetPolicy")
	}
	if in.FunctionUrlAuthType != "" && *in.Action != InvokeURLAction {
		return Statement{}, Invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
	}
	principal, err := principalOf(*in.Principal)
	if err != nil {
		return Statement{}, err
	}
	statement := Statement{
		Sid: *in.StatementId, Effect: "Allow", Principal: principal, Action: *in.Action,
		Resource: f.Ref().With(qualifier).ARN(), Condition: conditionsOf(in),
	}
	if err := policy.add(statement); err != nil {
		return Statement{}, err
	}
	f.setPolicy(qualifier, policy)
	return statement, nil
}

// add appends a statement and gives the policy a new revision.
func (p *Policy) add(s Statement) error {
	if p.index(s.Sid) >= 0 {
		return Conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", s.Sid)
	}
	grown := Policy{Statements: append(slices.Clone(p.Statements), s), RevisionID: *newID()}
	if size := len(grown.Document()); size > maxPolicySize {
		return &types.PolicyLengthExceededException{
			Message: message("The final policy size (%d) is bigger than the limit (%d).", []any{size, maxPolicySize}), Type: user(),
		}
	}
	*p = grown
	return nil
}

// remove drops a statement and gives the policy a new revision.
func (p *Policy) remove(sid string) {
	kept := slices.DeleteFunc(slices.Clone(p.Statements), func(s Statement) bool { return s.Sid == sid })
	*p = Policy{Statements: kept, RevisionID: *newID()}
}

// ErrNoPolicy tells of a resource that nobody has been given permissions on.
func ErrNoPolicy() error { return NotFound("No policy is associated with the given resource.") }

func noStatement(sid string) error {
	return NotFound("Statement %s is not found in resource policy.", sid)
}

// RemovePermission drops a statement; the policy goes with its last one.
func (f *Function) RemovePermission(qualifier, sid string, revision *string) error {
	if err := f.CheckQualifier(qualifier); err != nil {
		return err
	}
	policy, ok := f.Policies[qualifier]
	if !ok {
		return ErrNoPolicy()
	}
	if policy.index(sid) < 0 {
		return noStatement(sid)
	}
	if revision != nil && *revision != policy.RevisionID {
		return stale("GetPolicy")
	}
	policy.remove(sid)
	if len(policy.Statements) == 0 {
		delete(f.Policies, qualifier)
		return nil
	}
	f.setPolicy(qualifier, policy)
	return nil
}

func (p Policy) index(sid string) int {
	return slices.IndexFunc(p.Statements, func(s Statement) bool { return s.Sid == sid })
}

func (f *Function) setPolicy(qualifier string, p Policy) {
	if f.Policies == nil {
		f.Policies = map[string]Policy{}
	}
	f.Policies[qualifier] = p
}

var (
	servicePrincipal = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)$`) // Alexa is at amazon.com
	iamPrincipal     = regexp.MustCompile(`^arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/\S+)$`)
)

func principalOf(principal string) (any, error) {
	switch {
	case principal == "*":
		return "*", nil
	case isAccount(principal):
		return map[string]string{"AWS": rootARN(principal)}, nil
	case iamPrincipal.MatchString(principal):
		return map[string]string{"AWS": principal}, nil
	case servicePrincipal.MatchString(principal):
		return map[string]string{"Service": principal}, nil
	}
	return nil, Invalid("The provided principal was invalid. Please check the principal and try again.")
}

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

func conditionsOf(in *lambda.AddPermissionInput) map[string]map[string]string {
	conditions := map[string]map[string]string{}
	add := func(operator, key string, value *string) {
		if value == nil || *value == "" {
			return
		}
		if conditions[operator] == nil {
			conditions[operator] = map[string]string{}
		}
		conditions[operator][key] = *value
	}
	add("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	add("ArnLike", "AWS:SourceArn", in.SourceArn)
	add("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	add("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	if in.FunctionUrlAuthType != "" {
		auth := string(in.FunctionUrlAuthType)
		add("StringEquals", "lambda:FunctionUrlAuthType", &auth)
	}
	if in.InvokedViaFunctionUrl != nil {
		via := "false"
		if *in.InvokedViaFunctionUrl {
			via = "true"
		}
		add("Bool", "lambda:InvokedViaFunctionUrl", &via)
	}
	return conditions
}
