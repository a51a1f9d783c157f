package datasources

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/target"
)

// latest is the version that can be changed.
const latest = "$LATEST"

// connected is the part of a data source that holds its connection.
type connected struct {
	conn *target.Connection
}

// Configure takes the connection from the provider.
func (c *connected) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
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

// client returns the client for a region, and the region.
func (c *connected) client(region *tf.String, diags *diag.Diagnostics) *lambda.Client {
	client, err := c.conn.Lambda(region.ValueString())
	if err != nil {
		diags.AddError("The provider is not configured yet", err.Error())
		return nil
	}
	if region.ValueString() == "" {
		*region = tf.StringValue(c.conn.Region)
	}
	return client
}

// fail adds an API error at the attribute that names what was looked for.
func fail(diags *diag.Diagnostics, attribute, doing string, err error) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		diags.AddError(doing+" failed", err.Error())
		return
	}
	diags.AddAttributeError(path.Root(attribute), doing+" failed", fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage()))
}

func isNotFound(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ResourceNotFoundException"
}

// versionsOf returns all versions of a function, oldest first; $LATEST leads.
func versionsOf(ctx context.Context, client *lambda.Client, name string) ([]types.FunctionConfiguration, error) {
	var all []types.FunctionConfiguration
	pages := lambda.NewListVersionsByFunctionPaginator(client, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Versions...)
	}
	return all, nil
}

// newest returns the version that was published last, or nil.
func newest(versions []types.FunctionConfiguration) *types.FunctionConfiguration {
	var found *types.FunctionConfiguration
	length := func(c *types.FunctionConfiguration) int { return len(aws.ToString(c.Version)) }
	for i := range versions {
		v := &versions[i]
		switch {
		case aws.ToString(v.Version) == latest:
		case found == nil, length(v) > length(found), length(v) == length(found) && *v.Version > *found.Version:
			found = v
		}
	}
	return found
}

func text(s *string) tf.String {
	if aws.ToString(s) == "" {
		return tf.StringNull()
	}
	return tf.StringValue(*s)
}

func number(n *int32) tf.Int64 {
	if n == nil {
		return tf.Int64Null()
	}
	return tf.Int64Value(int64(*n))
}

func enum[E ~string](e E) tf.String {
	s := string(e)
	return text(&s)
}

func strings[E ~string](all []E) []string {
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = string(e)
	}
	return out
}

func required(description string) schema.StringAttribute {
	return schema.StringAttribute{Required: true, MarkdownDescription: description}
}

func optional(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: description}
}

func computed(description string) schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}

func computedNumber(description string) schema.Int64Attribute {
	return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
}

func computedList(description string) schema.ListAttribute {
	return schema.ListAttribute{Computed: true, ElementType: tf.StringType, MarkdownDescription: description}
}

func computedMap(description string) schema.MapAttribute {
	return schema.MapAttribute{Computed: true, ElementType: tf.StringType, MarkdownDescription: description}
}

// computedObjects is a list of objects, which references read as they read
// blocks of hashicorp/aws: x[0].y.
func computedObjects(description string, attributes map[string]attr.Type) schema.ListAttribute {
	return schema.ListAttribute{Computed: true, ElementType: tf.ObjectType{AttrTypes: attributes}, MarkdownDescription: description}
}

func regionAttribute() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Region. Default: the provider's."}
}
