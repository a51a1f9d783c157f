package provider

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lambdaform/terraform-provider-lambda/datasources"
	"github.com/lambdaform/terraform-provider-lambda/provider/target"
	"github.com/lambdaform/terraform-provider-lambda/resources"
)

// Targets that the provider knows.
const (
	targetLocal = "local"
	targetAWS   = "aws"
)

// New returns a factory of providers that call themselves the given version.
// An engine of another version is refused.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &lambdaProvider{version: version} }
}

type lambdaProvider struct {
	version string
}

func (p *lambdaProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "lambda"
	resp.Version = p.version
}

func (p *lambdaProvider) Resources(context.Context) []func() resource.Resource {
	return resources.All()
}

func (p *lambdaProvider) DataSources(context.Context) []func() datasource.DataSource {
	return datasources.All()
}

func (p *lambdaProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	// Nothing is dialled or started on a guess: what is not known yet may well
	// say where to, or as whom.
	if !req.Config.Raw.IsFullyKnown() {
		resp.ResourceData, resp.DataSourceData = target.Unknown(), target.Unknown()
		return
	}
	var m model
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if t := m.target(); t != targetLocal && t != targetAWS {
		resp.Diagnostics.AddAttributeError(path.Root("target"), "Unknown target", fmt.Sprintf("LAMBDA_TARGET is %q; it must be %q or %q.", t, targetLocal, targetAWS))
		return
	}
	cfg, diags := m.config(ctx, p.version)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	var conn *target.Connection
	var err error
	if m.target() == targetAWS {
		conn, err = target.AWS(ctx, cfg)
	} else {
		conn, err = p.local(ctx, m, cfg)
	}
	if err != nil {
		at := path.Root("target")
		if m.target() == targetLocal {
			resp.Diagnostics.AddError("No local engine to work with", sentence(err))
		} else {
			resp.Diagnostics.AddAttributeError(at, "Cannot connect to AWS", sentence(err))
		}
		return
	}
	if resp.Diagnostics.Append(m.tagging(ctx, conn)...); resp.Diagnostics.HasError() {
		return
	}
	resp.ResourceData, resp.DataSourceData = conn, conn
}

// target returns the name of the target: the configuration's, else the environment's.
func (m model) target() string {
	if t := m.Target.ValueString(); t != "" {
		return t
	}
	if t := os.Getenv("LAMBDA_TARGET"); t != "" {
		return t
	}
	return targetLocal
}
