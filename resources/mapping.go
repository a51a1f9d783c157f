package resources

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

const (
	mappingTimeout       = 10 * time.Minute
	mappingDeleteTimeout = 5 * time.Minute
)

// mapping is the resource lambda_event_source_mapping. Its schema is in
// mapping_schema.go, what a plan checks in mapping_plan.go, the way to and from
// the API in mapping_expand.go and mapping_flatten.go.
type mapping struct{ connected }

func newEventSourceMapping() resource.Resource { return &mapping{} }

var (
	_ resource.ResourceWithConfigure        = &mapping{}
	_ resource.ResourceWithImportState      = &mapping{}
	_ resource.ResourceWithModifyPlan       = &mapping{}
	_ resource.ResourceWithConfigValidators = &mapping{}
	_ resource.ResourceWithValidateConfig   = &mapping{}
)

func (r *mapping) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_event_source_mapping"
}

var mappingBlames = []blame{
	{"function does not exist", "function_name"},
	{"function_name", "function_name"},
	{"event source arn", "event_source_arn"},
	{"unrecognized event source", "event_source_arn"},
	{"starting_position", "starting_position"},
	{"startingposition", "starting_position"},
	{"batch size", "batch_size"},
	{"batch_size", "batch_size"},
	{"batchingwindow", "maximum_batching_window_in_seconds"},
	{"filter", "filter_criteria"},
	{"destination", "destination_config"},
	{"bisect", "bisect_batch_on_function_error"},
	{"parallelization", "parallelization_factor"},
	{"tumbling", "tumbling_window_in_seconds"},
	{"functionresponsetypes", "function_response_types"},
	{"scalingconfig", "scaling_config"},
	{"event_source_arn", "event_source_arn"},
	{"stream", "event_source_arn"},
	{"queue", "event_source_arn"},
}

// notReady reports whether a mapping's role is too new to be used.
func notReady(err error) bool {
	if errorCode(err) != "InvalidParameterValueException" {
		return false
	}
	message := errorMessage(err)
	for _, text := range []string{"cannot be assumed by Lambda", "execution role does not have permissions", "ensure the role can perform", "add Lambda as a trusted entity"} {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

func (r *mapping) propagated(ctx context.Context, m *mappingModel, call func(context.Context) error) error {
	if !m.UseResourceTimeout.ValueBool() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, propagationTimeout)
		defer cancel()
	}
	return retry(ctx, r.conn.PollMax, either(notReady, busy), call)
}

// Create makes the mapping and waits until it reads its source.
func (r *mapping) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m mappingModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Create(ctx, mappingTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m.Region = r.region(m.Region)
	m.TagsAll = r.allTags(ctx, m.Tags, m.TagsAll, diags)
	in := m.creation(ctx, diags)
	if diags.HasError() {
		return
	}
	var out *lambda.CreateEventSourceMappingOutput
	err := r.propagated(ctx, &m, func(ctx context.Context) (err error) {
		out, err = client.CreateEventSourceMapping(ctx, in)
		return err
	})
	if err != nil {
		report(diags, "Creating an event source mapping for "+m.FunctionName.ValueString(), err, mappingBlames...)
		return
	}
	var config types.EventSourceMappingConfiguration
	copyFields(&config, out)
	settled, err := r.settle(ctx, client, aws.ToString(out.UUID))
	if err == nil {
		config = *settled
	}
	m.read(ctx, &config, diags)
	diags.Append(resp.State.Set(ctx, &m)...)
	if err != nil {
		report(diags, "Waiting for event source mapping "+aws.ToString(out.UUID), err)
	}
}

// settle waits until the mapping is enabled or disabled.
func (r *mapping) settle(ctx context.Context, client *lambda.Client, id string) (*types.EventSourceMappingConfiguration, error) {
	var config types.EventSourceMappingConfiguration
	err := poll(ctx, r.conn.PollMax, func(ctx context.Context) (bool, error) {
		out, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
		if err != nil {
			return false, err
		}
		copyFields(&config, out)
		state := aws.ToString(out.State)
		return state == mappingEnabled || state == mappingDisabled, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("the mapping is still in state %s (%s) when the time for it is over; see the timeouts block", aws.ToString(config.State), aws.ToString(config.StateTransitionReason))
	}
	return &config, err
}

// Read refreshes the state.
func (r *mapping) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m mappingModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	id := firstOf(m.UUID.ValueString(), m.ID.ValueString())
	out, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	if isNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, "Reading event source mapping "+id, err)
		return
	}
	m.Region = r.region(m.Region)
	var config types.EventSourceMappingConfiguration
	copyFields(&config, out)
	m.read(ctx, &config, &resp.Diagnostics)
	if m.ARN.ValueString() != "" {
		tags, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: m.ARN.ValueStringPointer()})
		if err != nil && !isNotImplemented(err) {
			report(&resp.Diagnostics, "Reading the tags of event source mapping "+id, err)
			return
		}
		if err == nil {
			m.Tags, m.TagsAll = r.readTags(ctx, tags.Tags, m.Tags, &resp.Diagnostics)
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update changes what differs between state and plan.
func (r *mapping) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, was mappingModel
	diags := &resp.Diagnostics
	diags.Append(req.Plan.Get(ctx, &m)...)
	diags.Append(req.State.Get(ctx, &was)...)
	if diags.HasError() {
		return
	}
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Update(ctx, mappingTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id := m.UUID.ValueString()
	m.TagsAll = r.allTags(ctx, m.Tags, m.TagsAll, diags)
	updateTags(ctx, client, m.ARN.ValueString(), was.TagsAll, m.TagsAll, diags)
	if in := settingsChange(ctx, &was, &m, diags); in != nil && !diags.HasError() {
		in.UUID = &id
		err := r.propagated(ctx, &m, func(ctx context.Context) error {
			_, err := client.UpdateEventSourceMapping(ctx, in)
			return err
		})
		if err != nil {
			report(diags, "Updating event source mapping "+id, err, mappingBlames...)
		}
	}
	if diags.HasError() {
		return
	}
	config, err := r.settle(ctx, client, id)
	if err != nil {
		report(diags, "Waiting for event source mapping "+id, err)
		return
	}
	m.read(ctx, config, diags)
	diags.Append(resp.State.Set(ctx, &m)...)
}

// Delete removes the mapping and waits until it is gone.
func (r *mapping) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m mappingModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Delete(ctx, mappingDeleteTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id := m.UUID.ValueString()
	err := retry(ctx, r.conn.PollMax, busy, func(ctx context.Context) error {
		_, err := client.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: &id})
		return err
	})
	if err == nil {
		err = poll(ctx, r.conn.PollMax, func(ctx context.Context) (bool, error) {
			_, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
			return false, err
		})
	}
	if err != nil && !isNotFound(err) {
		report(diags, "Deleting event source mapping "+id, err)
	}
}

// ImportState takes the mapping's UUID.
func (r *mapping) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importAs(ctx, resp, map[string]string{"id": req.ID, "uuid": req.ID, "region": r.conn.Region})
}
