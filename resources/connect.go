package resources

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/target"
)

// connected is the part of a resource that holds its connection.
type connected struct {
	conn *target.Connection
}

// Configure takes the connection from the provider.
func (c *connected) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	if req.ProviderData == nil {
		return // validation only
	}
	conn, ok := req.ProviderData.(*target.Connection)
	if !ok {
		resp.Diagnostics.AddError("Unexpected provider data", fmt.Sprintf("Got %T. Please report this as a bug.", req.ProviderData))
		return
	}
	c.conn = conn
}

// client returns the client for a resource's region, or nil and a diagnostic.
func (c *connected) client(region types.String, diags *diag.Diagnostics) *lambda.Client {
	client, err := c.conn.Lambda(region.ValueString())
	if err != nil {
		diags.AddError("The provider is not configured yet", err.Error())
	}
	return client
}

// region returns the region of a new resource.
func (c *connected) region(planned types.String) types.String {
	if planned.ValueString() != "" {
		return planned
	}
	return types.StringValue(c.conn.Region)
}

func regionAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Computed: true,
		MarkdownDescription: "Region of the resource. Default: the provider's. Changing it forces a new resource.",
	}
}

// planRegion plans the provider's region where the configuration names none, and
// a replacement where the region changes.
func (c *connected) planRegion(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	at := path.Root("region")
	var configured, prior types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, at, &configured)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, at, &prior)...)
	}
	planned := configured
	if configured.IsNull() {
		planned = types.StringUnknown()
		if c.conn != nil && c.conn.Region != "" {
			planned = types.StringValue(c.conn.Region)
		} else if !prior.IsNull() {
			planned = prior
		}
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, at, planned)...)
	if !prior.IsNull() && !planned.Equal(prior) {
		resp.RequiresReplace = append(resp.RequiresReplace, at)
	}
}
