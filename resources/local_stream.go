package resources

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

const localStreamTimeout = 5 * time.Minute

// localStream is the resource lambda_local_stream: a stream of the engine's
// Kinesis. On AWS, aws_kinesis_stream takes its place.
type localStream struct{ connected }

func newLocalStream() resource.Resource { return &localStream{} }

var (
	_ resource.ResourceWithConfigure   = &localStream{}
	_ resource.ResourceWithImportState = &localStream{}
	_ resource.ResourceWithModifyPlan  = &localStream{}
)

type localStreamModel struct {
	ID         tf.String `tfsdk:"id"`
	ARN        tf.String `tfsdk:"arn"`
	Region     tf.String `tfsdk:"region"`
	Name       tf.String `tfsdk:"name"`
	ShardCount tf.Int64  `tfsdk:"shard_count"`
	Retention  tf.Int64  `tfsdk:"retention_period"`
	Tags       tf.Map    `tfsdk:"tags"`
	TagsAll    tf.Map    `tfsdk:"tags_all"`
}

func (r *localStream) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_local_stream"
}

func (r *localStream) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Kinesis stream of the local engine, as a source for `lambda_event_source_mapping`. " +
			"With `target = \"aws\"` it is refused: use `aws_kinesis_stream` there.",
		Attributes: map[string]schema.Attribute{
			"id":     schema.StringAttribute{Computed: true, MarkdownDescription: "The stream's ARN.", PlanModifiers: keep},
			"arn":    schema.StringAttribute{Computed: true, MarkdownDescription: "The stream's ARN.", PlanModifiers: keep},
			"region": regionAttribute(),
			"name": schema.StringAttribute{
				Required: true, MarkdownDescription: "Name of the stream. Changing it forces a new resource.",
				Validators:    []validator.String{matches(`^[a-zA-Z0-9_.-]{1,128}$`, "has 1 to 128 letters, digits, ., - and _")},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"shard_count": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(1),
				MarkdownDescription: "Number of shards. Each is read in order, by one invocation at a time. " +
					"A change keeps the records: it splits and merges shards, at most twice as many or half as many at a time. Default: 1.",
				Validators: []validator.Int64{int64validator.Between(1, 500)},
			},
			"retention_period": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(24),
				MarkdownDescription: "Hours that records are kept, up to a year. Default: 24.",
				Validators:          []validator.Int64{int64validator.Between(24, 8760)},
			},
			"tags":     tagsAttribute(),
			"tags_all": tagsAllAttribute(),
		},
	}
}

// ModifyPlan plans the region and tags_all.
func (r *localStream) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		r.planRegion(ctx, req, resp)
		r.planTags(ctx, req, resp)
	}
}

// streams returns the client of the engine's Kinesis, or nil and a diagnostic.
func (r *localStream) streams(region tf.String, diags *diag.Diagnostics) *kinesis.Client {
	client, err := r.conn.LocalKinesis(region.ValueString())
	if err != nil {
		diags.AddError("lambda_local_stream cannot be used here", err.Error())
	}
	return client
}

// Create makes the stream and waits until it can be used.
func (r *localStream) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m localStreamModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = r.region(m.Region)
	client := r.streams(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, localStreamTimeout)
	defer cancel()
	name := m.Name.ValueString()
	m.TagsAll = r.allTags(ctx, m.Tags, m.TagsAll, &resp.Diagnostics)
	in := &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(int32(m.ShardCount.ValueInt64()))}
	if tags := textMap(ctx, m.TagsAll, &resp.Diagnostics); len(tags) > 0 {
		in.Tags = tags
	}
	_, err := client.CreateStream(ctx, in)
	if err != nil {
		report(&resp.Diagnostics, "Creating stream "+name, err, blame{"stream", "name"})
		return
	}
	summary, err := r.active(ctx, client, &name)
	if err != nil {
		report(&resp.Diagnostics, "Waiting for stream "+name, err)
		return
	}
	m.ARN = tf.StringPointerValue(summary.StreamARN)
	m.ID = m.ARN
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	r.retain(ctx, client, &m, summary, &resp.Diagnostics)
}

// active waits until a stream can be used or changed.
func (r *localStream) active(ctx context.Context, client *kinesis.Client, name *string) (summary *types.StreamDescriptionSummary, err error) {
	err = poll(ctx, r.conn.PollMax, func(ctx context.Context) (bool, error) {
		summary, err = describeStream(ctx, client, name)
		return err == nil && summary.StreamStatus == types.StreamStatusActive, err
	})
	return summary, err
}

// retain makes the retention what m says.
func (r *localStream) retain(ctx context.Context, client *kinesis.Client, m *localStreamModel, is *types.StreamDescriptionSummary, diags *diag.Diagnostics) {
	name, hours := m.Name.ValueStringPointer(), int32(m.Retention.ValueInt64())
	var err error
	switch {
	case hours > *is.RetentionPeriodHours:
		_, err = client.IncreaseStreamRetentionPeriod(ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: name, RetentionPeriodHours: &hours})
	case hours < *is.RetentionPeriodHours:
		_, err = client.DecreaseStreamRetentionPeriod(ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: name, RetentionPeriodHours: &hours})
	default:
		return
	}
	if err == nil {
		_, err = r.active(ctx, client, name)
	}
	if err != nil {
		report(diags, "Changing the retention of stream "+*name, err, blame{"retention", "retention_period"})
	}
}

// scale makes the number of open shards what m says: twice or half as many at a time.
func (r *localStream) scale(ctx context.Context, client *kinesis.Client, m *localStreamModel, is *types.StreamDescriptionSummary, diags *diag.Diagnostics) {
	name, open, want := m.Name.ValueStringPointer(), *is.OpenShardCount, int32(m.ShardCount.ValueInt64())
	for open != want {
		next := min(max(want, (open+1)/2), 2*open)
		_, err := client.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: name, TargetShardCount: &next, ScalingType: types.ScalingTypeUniformScaling})
		if err == nil {
			_, err = r.active(ctx, client, name)
		}
		if err != nil {
			report(diags, "Changing the number of shards of stream "+*name, err, blame{"shard", "shard_count"})
			return
		}
		open = next
	}
}

// Read refreshes the state, and drops a stream that is gone.
func (r *localStream) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m localStreamModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.streams(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	summary, err := describeStream(ctx, client, m.Name.ValueStringPointer())
	if isNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, "Reading stream "+m.Name.ValueString(), err)
		return
	}
	m.Region = r.region(m.Region)
	m.ARN = tf.StringPointerValue(summary.StreamARN)
	m.ID = m.ARN
	m.ShardCount = int64Of(summary.OpenShardCount)
	m.Retention = int64Of(summary.RetentionPeriodHours)
	tags, err := client.ListTagsForStream(ctx, &kinesis.ListTagsForStreamInput{StreamName: summary.StreamName})
	if err != nil {
		report(&resp.Diagnostics, "Reading the tags of stream "+*summary.StreamName, err)
		return
	}
	actual := map[string]string{}
	for _, tag := range tags.Tags {
		actual[*tag.Key] = aws.ToString(tag.Value)
	}
	m.Tags, m.TagsAll = r.readTags(ctx, actual, m.Tags, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update changes the number of shards, the retention and the tags.
func (r *localStream) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var was, m localStreamModel
	resp.Diagnostics.Append(req.State.Get(ctx, &was)...)
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.streams(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, localStreamTimeout)
	defer cancel()
	summary, err := r.active(ctx, client, m.Name.ValueStringPointer())
	if err != nil {
		report(&resp.Diagnostics, "Reading stream "+m.Name.ValueString(), err)
		return
	}
	r.scale(ctx, client, &m, summary, &resp.Diagnostics)
	r.retain(ctx, client, &m, summary, &resp.Diagnostics)
	m.TagsAll = r.allTags(ctx, m.Tags, m.TagsAll, &resp.Diagnostics)
	changed, gone := tagChanges(textMap(ctx, was.TagsAll, &resp.Diagnostics), textMap(ctx, m.TagsAll, &resp.Diagnostics))
	if len(gone) > 0 {
		_, err = client.RemoveTagsFromStream(ctx, &kinesis.RemoveTagsFromStreamInput{StreamName: summary.StreamName, TagKeys: gone})
	}
	if err == nil && len(changed) > 0 {
		_, err = client.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: summary.StreamName, Tags: changed})
	}
	if err != nil {
		report(&resp.Diagnostics, "Tagging stream "+*summary.StreamName, err, blame{"tag", "tags"})
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	}
}

// Delete removes the stream and waits until it is gone.
func (r *localStream) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m localStreamModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.streams(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, localStreamTimeout)
	defer cancel()
	name := m.Name.ValueStringPointer()
	_, err := client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: name})
	if err == nil {
		err = poll(ctx, r.conn.PollMax, func(ctx context.Context) (bool, error) {
			_, err := describeStream(ctx, client, name)
			return isNotFound(err), ignore(isNotFound, err)
		})
	}
	if err != nil && !isNotFound(err) {
		report(&resp.Diagnostics, "Deleting stream "+*name, err)
	}
}

// ImportState takes the name of the stream.
func (r *localStream) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}

func describeStream(ctx context.Context, client *kinesis.Client, name *string) (*types.StreamDescriptionSummary, error) {
	out, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: name})
	if err != nil {
		return nil, err
	}
	return out.StreamDescriptionSummary, nil
}

func ignore(ignored func(error) bool, err error) error {
	if ignored(err) {
		return nil
	}
	return err
}
