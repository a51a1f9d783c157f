package resources

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// ValidateConfig checks what a kind of source needs, and what it does not take.
func (r *mapping) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m mappingModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.validateStart(&resp.Diagnostics)
	m.validateFilters(ctx, &resp.Diagnostics)
	kind := service(m.EventSourceARN)
	if kind == "sqs" || kind == "kinesis" || kind == "dynamodb" {
		if len(m.Topics.Elements()) > 0 {
			resp.Diagnostics.AddAttributeError(path.Root("topics"), "Not for this source", "Only a Kafka cluster has topics.")
		}
		if len(m.Queues.Elements()) > 0 {
			resp.Diagnostics.AddAttributeError(path.Root("queues"), "Not for this source", "Only a broker of Amazon MQ has queues. The queue of SQS is the event_source_arn.")
		}
	}
	switch kind {
	case "sqs":
		m.validateQueue(ctx, &resp.Diagnostics)
	case "kinesis", "dynamodb":
		m.validateStream(ctx, &resp.Diagnostics)
	}
}

// validateStart checks where the mapping begins to read.
func (m *mappingModel) validateStart(diags *diag.Diagnostics) {
	kind := service(m.EventSourceARN)
	at := m.StartingPosition.ValueString() == string(types.EventSourcePositionAtTimestamp)
	switch {
	case (kind == "kinesis" || kind == "dynamodb") && m.StartingPosition.IsNull():
		diags.AddAttributeError(path.Root("starting_position"), "Missing attribute", "A stream needs a starting_position: TRIM_HORIZON reads it from its beginning, LATEST reads what comes from now on.")
	case kind == "sqs" && !m.StartingPosition.IsNull():
		diags.AddAttributeError(path.Root("starting_position"), "Not for a queue", "Only a stream has a starting_position.")
	case kind == "dynamodb" && at:
		diags.AddAttributeError(path.Root("starting_position"), "Not for DynamoDB", "The stream of a table cannot be read from a time on. Use TRIM_HORIZON or LATEST.")
	case at && m.StartingPositionTimestamp.IsNull():
		diags.AddAttributeError(path.Root("starting_position_timestamp"), "Missing attribute", "AT_TIMESTAMP needs a starting_position_timestamp.")
	case !at && !m.StartingPosition.IsUnknown() && !m.StartingPositionTimestamp.IsNull():
		diags.AddAttributeError(path.Root("starting_position_timestamp"), "Without effect", "Only starting_position = \"AT_TIMESTAMP\" takes a time.")
	}
}

// validateQueue checks the settings of a queue's mapping.
func (m *mappingModel) validateQueue(ctx context.Context, diags *diag.Diagnostics) {
	for name, given := range map[string]bool{
		"maximum_record_age_in_seconds":  m.MaximumRecordAgeInSeconds.ValueInt64() > 0,
		"maximum_retry_attempts":         !m.MaximumRetryAttempts.IsNull() && !m.MaximumRetryAttempts.IsUnknown() && m.MaximumRetryAttempts.ValueInt64() != -1,
		"parallelization_factor":         m.ParallelizationFactor.ValueInt64() > 1,
		"tumbling_window_in_seconds":     m.TumblingWindowInSeconds.ValueInt64() > 0,
		"bisect_batch_on_function_error": m.BisectBatchOnFunctionError.ValueBool(),
	} {
		if given { // what a stream has by default does no harm
			diags.AddAttributeError(path.Root(name), "Not for a queue", "Only a stream has it: a queue has its visibility timeout and its redrive policy for messages that fail.")
		}
	}
	if len(m.DestinationConfig.Elements()) > 0 {
		diags.AddAttributeError(path.Root("destination_config"), "Not for a queue", "Messages that fail go to the dead-letter queue of the queue's own redrive policy.")
	}
	fifo := strings.HasSuffix(m.EventSourceARN.ValueString(), ".fifo")
	size, window := m.BatchSize.ValueInt64(), m.MaximumBatchingWindowInSeconds.ValueInt64()
	switch {
	case fifo && size > 10:
		diags.AddAttributeError(path.Root("batch_size"), "Batch too large", fmt.Sprintf("A FIFO queue has batches of 10 messages at most, not %d.", size))
	case fifo && window > 0:
		diags.AddAttributeError(path.Root("maximum_batching_window_in_seconds"), "Not for a FIFO queue", "Messages of a FIFO queue do not wait for each other. Leave it out.")
	case size > 10 && window == 0 && !m.MaximumBatchingWindowInSeconds.IsUnknown():
		diags.AddAttributeError(path.Root("batch_size"), "Batch too large", fmt.Sprintf("A batch of %d messages needs maximum_batching_window_in_seconds = 1 or more; without, there are 10 at most.", size))
	}
	if len(m.ScalingConfig.Elements()) > 0 && len(m.ProvisionedPollerConfig.Elements()) > 0 {
		diags.AddAttributeError(path.Root("provisioned_poller_config"), "Two ways to scale", "A queue's mapping has scaling_config or provisioned_poller_config, not both.")
	}
	s := block[scalingModel](ctx, m.ScalingConfig, diags)
	if s != nil && s.MaximumConcurrency.ValueInt64() > 1000 {
		diags.AddAttributeError(path.Root("scaling_config").AtListIndex(0).AtName("maximum_concurrency"), "Too many calls", "maximum_concurrency is between 2 and 1000.")
	}
}

// validateStream checks the settings of a stream's mapping.
func (m *mappingModel) validateStream(ctx context.Context, diags *diag.Diagnostics) {
	for name, given := range map[string]int{"scaling_config": len(m.ScalingConfig.Elements()), "provisioned_poller_config": len(m.ProvisionedPollerConfig.Elements())} {
		if given > 0 {
			diags.AddAttributeError(path.Root(name), "Not for a stream", "Only a queue has it: a stream has as many calls at a time as it has shards, times parallelization_factor.")
		}
	}
	if m.TumblingWindowInSeconds.ValueInt64() > 0 && m.ParallelizationFactor.ValueInt64() > 1 {
		diags.AddAttributeError(path.Root("parallelization_factor"), "Not with tumbling windows", "A tumbling window has one state for each shard, so parallelization_factor must be 1.")
	}
	d := block[destinationModel](ctx, m.DestinationConfig, diags)
	if d == nil {
		return
	}
	f := block[onFailureModel](ctx, d.OnFailure, diags)
	if f == nil || f.DestinationARN.IsUnknown() {
		return
	}
	to := service(f.DestinationARN)
	if strings.HasSuffix(f.DestinationARN.ValueString(), ".fifo") || to != "sqs" && to != "sns" && to != "s3" {
		diags.AddAttributeError(path.Root("destination_config"), "Not a destination", "Records that are given up go to a standard queue (SQS), a standard topic (SNS) or a bucket (S3), not to "+f.DestinationARN.ValueString()+".")
	}
}

// validateFilters checks that patterns are JSON objects.
func (m *mappingModel) validateFilters(ctx context.Context, diags *diag.Diagnostics) {
	c := block[filterCriteriaModel](ctx, m.FilterCriteria, diags)
	if c == nil || c.Filter.IsUnknown() {
		return
	}
	for _, f := range elements[filterModel](ctx, c.Filter, diags) {
		var object map[string]any
		if f.Pattern.ValueString() == "" {
			continue
		}
		err := json.Unmarshal([]byte(f.Pattern.ValueString()), &object)
		field := map[string]string{"kinesis": "data", "dynamodb": "dynamodb"}[service(m.EventSourceARN)]
		if _, list := object[field].([]any); list {
			diags.AddAttributeError(path.Root("filter_criteria"), "Not a pattern", fmt.Sprintf("What a pattern says of %s is an object: records are filtered if they are JSON. Pattern: %s", field, f.Pattern.ValueString()))
		}
		if err != nil {
			diags.AddAttributeError(path.Root("filter_criteria"), "Not a pattern", fmt.Sprintf("A pattern is a JSON object, such as jsonencode({ body = { kind = [\"order\"] } }): %v. Pattern: %s", err, f.Pattern.ValueString()))
		}
	}
}
