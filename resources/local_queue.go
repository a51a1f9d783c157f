package resources

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

// localQueue is the resource lambda_local_queue: a queue of the engine's SQS. On AWS,
// aws_sqs_queue takes its place.
type localQueue struct{ connected }

func newLocalQueue() resource.Resource { return &localQueue{} }

var (
	_ resource.ResourceWithConfigure      = &localQueue{}
	_ resource.ResourceWithImportState    = &localQueue{}
	_ resource.ResourceWithModifyPlan     = &localQueue{}
	_ resource.ResourceWithValidateConfig = &localQueue{}
)

type localQueueModel struct {
	ID                        tf.String `tfsdk:"id"`
	ARN                       tf.String `tfsdk:"arn"`
	URL                       tf.String `tfsdk:"url"`
	Region                    tf.String `tfsdk:"region"`
	Name                      tf.String `tfsdk:"name"`
	VisibilityTimeout         tf.Int64  `tfsdk:"visibility_timeout_seconds"`
	Delay                     tf.Int64  `tfsdk:"delay_seconds"`
	Retention                 tf.Int64  `tfsdk:"message_retention_seconds"`
	MaxMessageSize            tf.Int64  `tfsdk:"max_message_size"`
	ReceiveWaitTime           tf.Int64  `tfsdk:"receive_wait_time_seconds"`
	RedrivePolicy             tf.String `tfsdk:"redrive_policy"`
	FIFO                      tf.Bool   `tfsdk:"fifo_queue"`
	ContentBasedDeduplication tf.Bool   `tfsdk:"content_based_deduplication"`
	Tags                      tf.Map    `tfsdk:"tags"`
}

// numbers are the attributes of SQS that are numbers, with where the model has them.
func (m *localQueueModel) numbers() map[string]*tf.Int64 {
	return map[string]*tf.Int64{
		"VisibilityTimeout": &m.VisibilityTimeout, "DelaySeconds": &m.Delay, "MessageRetentionPeriod": &m.Retention,
		"MaximumMessageSize": &m.MaxMessageSize, "ReceiveMessageWaitTimeSeconds": &m.ReceiveWaitTime,
	}
}

// attributes are the model's attributes as SQS takes them, for a queue that is there or not yet.
func (m *localQueueModel) attributes(create bool) map[string]string {
	all := map[string]string{}
	for name, value := range m.numbers() {
		all[name] = strconv.FormatInt(value.ValueInt64(), 10)
	}
	if policy := m.RedrivePolicy.ValueString(); policy != "" || !create {
		all["RedrivePolicy"] = policy
	}
	if m.FIFO.ValueBool() {
		all["ContentBasedDeduplication"] = strconv.FormatBool(m.ContentBasedDeduplication.ValueBool())
		if create {
			all["FifoQueue"] = "true"
		}
	}
	return all
}

func (r *localQueue) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_local_queue"
}

// ValidateConfig checks what concerns several attributes.
func (r *localQueue) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m localQueueModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.FIFO.IsUnknown() {
		return
	}
	fifo := m.FIFO.ValueBool()
	if !m.Name.IsUnknown() && fifo != fifoName.MatchString(m.Name.ValueString()) {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Invalid name", "The name of a FIFO queue, and of no other, ends in .fifo.")
	}
	if m.ContentBasedDeduplication.ValueBool() && !fifo {
		resp.Diagnostics.AddAttributeError(path.Root("content_based_deduplication"), "Not a FIFO queue", "content_based_deduplication needs fifo_queue = true.")
	}
}

// ModifyPlan plans the region.
func (r *localQueue) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		r.planRegion(ctx, req, resp)
	}
}

// queues returns the client of the engine's SQS, or nil and a diagnostic.
func (r *localQueue) queues(region tf.String, diags *diag.Diagnostics) *sqs.Client {
	client, err := r.conn.LocalSQS(region.ValueString())
	if err != nil {
		diags.AddError("lambda_local_queue cannot be used here", err.Error())
	}
	return client
}

// queueBlames tells which attribute an error of SQS is about.
var queueBlames = []blame{
	{"RedrivePolicy", "redrive_policy"},
	{"queue", "name"},
}

// Create makes the queue, which must not be there yet.
func (r *localQueue) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m localQueueModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = r.region(m.Region)
	client := r.queues(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	name := m.Name.ValueStringPointer()
	// SQS returns a queue that is there, and its next owner would destroy it.
	switch _, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: name}); {
	case err == nil:
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Creating queue "+*name, "A queue of this name already exists. Choose another name, or import it.")
		return
	case !isNoQueue(err):
		report(&resp.Diagnostics, "Creating queue "+*name, err, queueBlames...)
		return
	}
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: name, Attributes: m.attributes(true), Tags: textMap(ctx, m.Tags, &resp.Diagnostics)})
	if err != nil {
		report(&resp.Diagnostics, "Creating queue "+*name, err, queueBlames...)
		return
	}
	if err := m.read(ctx, client, out.QueueUrl, &resp.Diagnostics); err != nil {
		report(&resp.Diagnostics, "Reading queue "+*name, err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Read refreshes the state, and drops a queue that is gone.
func (r *localQueue) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m localQueueModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.queues(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	m.Region = r.region(m.Region)
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: m.Name.ValueStringPointer()})
	if err == nil {
		err = m.read(ctx, client, out.QueueUrl, &resp.Diagnostics)
	}
	if isNoQueue(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, "Reading queue "+m.Name.ValueString(), err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update changes attributes and tags.
func (r *localQueue) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, was localQueueModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.Append(req.State.Get(ctx, &was)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.queues(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	url := was.URL.ValueStringPointer()
	_, err := client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: m.attributes(false)})
	before, after := textMap(ctx, was.Tags, &resp.Diagnostics), textMap(ctx, m.Tags, &resp.Diagnostics)
	gone := slices.DeleteFunc(slices.Sorted(maps.Keys(before)), func(key string) bool { _, stays := after[key]; return stays })
	if err == nil && len(gone) > 0 {
		_, err = client.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: url, TagKeys: gone})
	}
	if err == nil && len(after) > 0 {
		_, err = client.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: url, Tags: after})
	}
	if err == nil {
		err = m.read(ctx, client, url, &resp.Diagnostics)
	}
	if err != nil {
		report(&resp.Diagnostics, "Updating queue "+m.Name.ValueString(), err, queueBlames...)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Delete removes the queue with its messages.
func (r *localQueue) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m localQueueModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.queues(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	if _, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: m.URL.ValueStringPointer()}); err != nil && !isNoQueue(err) {
		report(&resp.Diagnostics, "Deleting queue "+m.Name.ValueString(), err)
	}
}

// ImportState takes the name of the queue.
func (r *localQueue) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}

func isNoQueue(err error) bool {
	var none *types.QueueDoesNotExist
	return errors.As(err, &none)
}

// read takes over what SQS says of the queue.
func (m *localQueueModel) read(ctx context.Context, client *sqs.Client, url *string, diags *diag.Diagnostics) error {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return err
	}
	tags, err := client.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: url})
	if err != nil {
		return err
	}
	m.URL, m.ID, m.ARN = tf.StringPointerValue(url), tf.StringPointerValue(url), tf.StringValue(out.Attributes["QueueArn"])
	for name, value := range m.numbers() {
		n, err := strconv.ParseInt(out.Attributes[name], 10, 64)
		if err != nil {
			return err
		}
		*value = tf.Int64Value(n)
	}
	m.FIFO = tf.BoolValue(out.Attributes["FifoQueue"] == "true")
	m.ContentBasedDeduplication = tf.BoolValue(out.Attributes["ContentBasedDeduplication"] == "true")
	policy := out.Attributes["RedrivePolicy"]
	if !sameJSON(policy, m.RedrivePolicy.ValueString()) {
		m.RedrivePolicy = tf.StringValue(policy)
	}
	if policy == "" {
		m.RedrivePolicy = tf.StringNull()
	}
	if len(tags.Tags) > 0 || len(textMap(ctx, m.Tags, diags)) > 0 {
		m.Tags = stringMap(tags.Tags)
	} else if m.Tags.IsUnknown() {
		m.Tags = tf.MapNull(tf.StringType)
	}
	return nil
}

// sameJSON tells whether two documents differ in their looks only.
func sameJSON(a, b string) bool {
	var x, y any
	return a == b || json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
