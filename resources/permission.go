package resources

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
	"github.com/lambdaform/terraform-provider-lambda/provider/policy"
)

const permissionTimeout = 5 * time.Minute

// permission is the resource lambda_permission: one statement of a function's
// policy. Its schema is in permission_schema.go.
type permission struct{ connected }

func newPermission() resource.Resource { return &permission{} }

var (
	_ resource.ResourceWithConfigure   = &permission{}
	_ resource.ResourceWithImportState = &permission{}
	_ resource.ResourceWithModifyPlan  = &permission{}
)

type permissionModel struct {
	ID                    tf.String      `tfsdk:"id"`
	Region                tf.String      `tfsdk:"region"`
	Action                tf.String      `tfsdk:"action"`
	EventSourceToken      tf.String      `tfsdk:"event_source_token"`
	FunctionName          tf.String      `tfsdk:"function_name"`
	FunctionURLAuthType   tf.String      `tfsdk:"function_url_auth_type"`
	InvokedViaFunctionURL tf.Bool        `tfsdk:"invoked_via_function_url"`
	Principal             tf.String      `tfsdk:"principal"`
	PrincipalOrgID        tf.String      `tfsdk:"principal_org_id"`
	Qualifier             tf.String      `tfsdk:"qualifier"`
	SourceAccount         tf.String      `tfsdk:"source_account"`
	SourceARN             tf.String      `tfsdk:"source_arn"`
	StatementID           tf.String      `tfsdk:"statement_id"`
	StatementIDPrefix     tf.String      `tfsdk:"statement_id_prefix"`
	Timeouts              timeouts.Value `tfsdk:"timeouts"`
}

func (r *permission) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_permission"
}

// ModifyPlan plans the region.
func (r *permission) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		r.planRegion(ctx, req, resp)
		keepUnchanged(req, resp)
	}
}

var permissionBlames = []blame{
	{"statement id", "statement_id"},
	{"statement_id", "statement_id"},
	{"principal", "principal"},
	{"action", "action"},
	{"alias", "qualifier"},
	{"qualifier", "qualifier"},
	{"source_account", "source_account"},
	{"source_arn", "source_arn"},
	{"function not found", "function_name"},
	{"function_name", "function_name"},
}

// changePolicy makes a call that changes a function's policy, one at a time for
// each function. A duplicate statement is an error at once, not something to
// wait for.
func (r *permission) changePolicy(ctx context.Context, m *permissionModel, call func(context.Context) error) error {
	unlock, err := r.conn.Lock(ctx, "policy of "+m.Region.ValueString()+"/"+arn.FunctionName(m.FunctionName.ValueString()))
	if err != nil {
		return err
	}
	defer unlock()
	return retry(ctx, r.conn.PollMax, func(err error) bool {
		return busy(err) || errorCode(err) == "PreconditionFailedException"
	}, call)
}

// Create adds the statement.
func (r *permission) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m permissionModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Create(ctx, permissionTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m.Region = r.region(m.Region)
	if m.StatementID.ValueString() == "" {
		m.StatementID = tf.StringValue(firstOf(m.StatementIDPrefix.ValueString(), "terraform-") + strings.ReplaceAll(uuid.NewString(), "-", "")[:26])
	}
	if m.StatementIDPrefix.IsUnknown() {
		m.StatementIDPrefix = tf.StringNull()
	}
	in := &lambda.AddPermissionInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: optionalText(m.Qualifier),
		StatementId: m.StatementID.ValueStringPointer(), Action: m.Action.ValueStringPointer(), Principal: m.Principal.ValueStringPointer(),
		EventSourceToken: optionalText(m.EventSourceToken), FunctionUrlAuthType: types.FunctionUrlAuthType(m.FunctionURLAuthType.ValueString()),
		InvokedViaFunctionUrl: optionalBool(m.InvokedViaFunctionURL), PrincipalOrgID: optionalText(m.PrincipalOrgID),
		SourceAccount: optionalText(m.SourceAccount), SourceArn: optionalText(m.SourceARN),
	}
	err := r.changePolicy(ctx, &m, func(ctx context.Context) error {
		_, err := client.AddPermission(ctx, in)
		return err
	})
	if err != nil {
		report(diags, "Adding permission "+*in.StatementId, err, permissionBlames...)
		return
	}
	m.ID = m.StatementID
	diags.Append(resp.State.Set(ctx, &m)...)
}

// Read refreshes the state from the function's policy.
func (r *permission) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m permissionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	out, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: optionalText(m.Qualifier)})
	if isNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, "Reading the policy of "+m.FunctionName.ValueString(), err)
		return
	}
	document, err := policy.Parse(aws.ToString(out.Policy))
	if err != nil {
		resp.Diagnostics.AddError("Cannot read the policy of "+m.FunctionName.ValueString(), err.Error())
		return
	}
	statement, found := document.Find(m.StatementID.ValueString())
	if !found {
		resp.State.RemoveResource(ctx)
		return
	}
	m.Region = r.region(m.Region)
	m.read(statement)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// read puts a statement into the model.
func (m *permissionModel) read(s policy.Statement) {
	m.ID = tf.StringValue(s.SID)
	m.StatementID = tf.StringValue(s.SID)
	m.Action = tf.StringValue(string(s.Action))
	if who := string(s.Principal); !policy.SamePrincipal(who, m.Principal.ValueString()) {
		m.Principal = tf.StringValue(policy.Account(who))
	}
	from := func(prior tf.String, key string) tf.String { return text(prior, aws.String(s.Compared(key))) }
	m.EventSourceToken = from(m.EventSourceToken, "lambda:EventSourceToken")
	m.FunctionURLAuthType = from(m.FunctionURLAuthType, "lambda:FunctionUrlAuthType")
	m.PrincipalOrgID = from(m.PrincipalOrgID, "aws:PrincipalOrgID")
	m.SourceAccount = from(m.SourceAccount, "AWS:SourceAccount")
	m.SourceARN = from(m.SourceARN, "AWS:SourceArn")
	switch via := s.Compared("lambda:InvokedViaFunctionUrl"); {
	case via != "":
		m.InvokedViaFunctionURL = tf.BoolValue(strings.EqualFold(via, "true"))
	case m.InvokedViaFunctionURL.ValueBool():
		m.InvokedViaFunctionURL = tf.BoolNull()
	}
	// A qualifier may also be part of the name.
	if named, err := arn.ParseFunction(m.FunctionName.ValueString()); err == nil && named.Qualifier != "" {
		return
	}
	if f, err := arn.ParseFunction(string(s.Resource)); err == nil {
		m.Qualifier = text(m.Qualifier, &f.Qualifier)
	}
}

// Update keeps the new timeouts: everything else forces a new resource.
func (r *permission) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m permissionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Delete removes the statement.
func (r *permission) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m permissionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	timeout, d := m.Timeouts.Delete(ctx, permissionTimeout)
	if resp.Diagnostics.Append(d...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := r.changePolicy(ctx, &m, func(ctx context.Context) error {
		_, err := client.RemovePermission(ctx, &lambda.RemovePermissionInput{
			FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: optionalText(m.Qualifier), StatementId: m.StatementID.ValueStringPointer(),
		})
		return err
	})
	if err != nil && !isNotFound(err) {
		report(&resp.Diagnostics, "Removing permission "+m.StatementID.ValueString(), err)
	}
}

// ImportState takes FUNCTION/SID or FUNCTION:QUALIFIER/SID.
func (r *permission) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	target, sid, found := strings.Cut(req.ID, "/")
	f, err := arn.ParseFunction(target)
	if !found || sid == "" || err != nil {
		resp.Diagnostics.AddError("Not a permission", fmt.Sprintf("%q: import a permission as FUNCTION/STATEMENT or FUNCTION:QUALIFIER/STATEMENT, such as hello:live/from-s3.", req.ID))
		return
	}
	name := target
	if f.Qualifier != "" {
		name = strings.TrimSuffix(target, ":"+f.Qualifier)
	}
	importAs(ctx, resp, map[string]string{
		"id": sid, "function_name": name, "qualifier": f.Qualifier, "statement_id": sid, "region": firstOf(f.Region, r.conn.Region),
	})
}
