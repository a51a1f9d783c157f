package datasources

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

// mapping is the data source lambda_event_source_mapping.
type mapping struct{ connected }

func newEventSourceMapping() datasource.DataSource { return &mapping{} }

type mappingModel struct {
	ID                    tf.String `tfsdk:"id"`
	Region                tf.String `tfsdk:"region"`
	UUID                  tf.String `tfsdk:"uuid"`
	EventSourceARN        tf.String `tfsdk:"event_source_arn"`
	FunctionName          tf.String `tfsdk:"function_name"`
	ARN                   tf.String `tfsdk:"arn"`
	BatchSize             tf.Int64  `tfsdk:"batch_size"`
	BisectBatch           tf.Bool   `tfsdk:"bisect_batch_on_function_error"`
	DestinationARN        tf.String `tfsdk:"on_failure_destination_arn"`
	Enabled               tf.Bool   `tfsdk:"enabled"`
	FilterPatterns        []string  `tfsdk:"filter_patterns"`
	FunctionARN           tf.String `tfsdk:"function_arn"`
	FunctionResponseTypes []string  `tfsdk:"function_response_types"`
	LastModified          tf.String `tfsdk:"last_modified"`
	LastProcessingResult  tf.String `tfsdk:"last_processing_result"`
	BatchingWindow        tf.Int64  `tfsdk:"maximum_batching_window_in_seconds"`
	RecordAge             tf.Int64  `tfsdk:"maximum_record_age_in_seconds"`
	RetryAttempts         tf.Int64  `tfsdk:"maximum_retry_attempts"`
	ParallelizationFactor tf.Int64  `tfsdk:"parallelization_factor"`
	StartingPosition      tf.String `tfsdk:"starting_position"`
	State                 tf.String `tfsdk:"state"`
	StateTransitionReason tf.String `tfsdk:"state_transition_reason"`
	TumblingWindow        tf.Int64  `tfsdk:"tumbling_window_in_seconds"`
}

func (d *mapping) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_event_source_mapping"
}

func (d *mapping) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("uuid"), path.MatchRoot("event_source_arn"))}
}

func (d *mapping) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	found := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: description}
	}
	function := found("Name or ARN of the function.")
	function.Validators = []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("event_source_arn"))}
	resp.Schema = schema.Schema{
		MarkdownDescription: "An event source mapping, by its `uuid`, or by its `event_source_arn` (and `function_name`, if the source has several).",
		Attributes: map[string]schema.Attribute{
			"id":                                 computed("UUID of the mapping."),
			"region":                             regionAttribute(),
			"uuid":                               found("UUID of the mapping."),
			"event_source_arn":                   found("ARN of the stream or queue."),
			"function_name":                      function,
			"arn":                                computed("ARN of the mapping."),
			"batch_size":                         computedNumber("Records in a call at most."),
			"bisect_batch_on_function_error":     schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether a failing batch is halved."},
			"on_failure_destination_arn":         computed("Where records go that are given up."),
			"enabled":                            schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the source is read."},
			"filter_patterns":                    computedList("Patterns of the filters."),
			"function_arn":                       computed("ARN of the function."),
			"function_response_types":            computedList("`ReportBatchItemFailures` if the function says which records failed."),
			"last_modified":                      computed("When the mapping was changed last."),
			"last_processing_result":             computed("Result of the last call of the function."),
			"maximum_batching_window_in_seconds": computedNumber("Seconds to wait for a full batch."),
			"maximum_record_age_in_seconds":      computedNumber("Age at which a record is given up."),
			"maximum_retry_attempts":             computedNumber("How often a failing batch is tried again."),
			"parallelization_factor":             computedNumber("Batches of a shard at a time."),
			"starting_position":                  computed("Where the mapping began to read."),
			"state":                              computed("State of the mapping."),
			"state_transition_reason":            computed("Why the mapping is in that state."),
			"tumbling_window_in_seconds":         computedNumber("Length of the windows that the function aggregates over."),
		},
	}
}

func (d *mapping) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m mappingModel
	diags := &resp.Diagnostics
	if diags.Append(req.Config.Get(ctx, &m)...); diags.HasError() {
		return
	}
	client := d.client(&m.Region, diags)
	if client == nil {
		return
	}
	in := &lambda.ListEventSourceMappingsInput{EventSourceArn: m.EventSourceARN.ValueStringPointer()}
	if name := m.FunctionName.ValueString(); name != "" {
		in.FunctionName = &name
	}
	id := m.UUID.ValueString()
	if id == "" {
		var all []types.EventSourceMappingConfiguration
		pages := lambda.NewListEventSourceMappingsPaginator(client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				fail(diags, "event_source_arn", "Looking for the event source mapping", err)
				return
			}
			all = append(all, page.EventSourceMappings...)
		}
		if len(all) != 1 {
			diags.AddAttributeError(path.Root("event_source_arn"), "Not exactly one event source mapping",
				fmt.Sprintf("%d event source mappings read from %s. Give the uuid of one, or a function_name.", len(all), m.EventSourceARN.ValueString()))
			return
		}
		id = aws.ToString(all[0].UUID)
	}
	out, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	if err != nil {
		fail(diags, "uuid", "Reading event source mapping "+id, err)
		return
	}
	m.read(out)
	diags.Append(resp.State.Set(ctx, &m)...)
}

func (m *mappingModel) read(c *lambda.GetEventSourceMappingOutput) {
	m.ID, m.UUID, m.ARN = text(c.UUID), text(c.UUID), text(c.EventSourceMappingArn)
	m.EventSourceARN, m.FunctionARN = text(c.EventSourceArn), text(c.FunctionArn)
	if m.FunctionName.IsNull() {
		m.FunctionName = m.FunctionARN
	}
	m.BatchSize, m.BatchingWindow = number(c.BatchSize), number(c.MaximumBatchingWindowInSeconds)
	m.RecordAge, m.RetryAttempts = number(c.MaximumRecordAgeInSeconds), number(c.MaximumRetryAttempts)
	m.ParallelizationFactor, m.TumblingWindow = number(c.ParallelizationFactor), number(c.TumblingWindowInSeconds)
	m.BisectBatch = tf.BoolValue(aws.ToBool(c.BisectBatchOnFunctionError))
	m.StartingPosition, m.State, m.StateTransitionReason = enum(c.StartingPosition), text(c.State), text(c.StateTransitionReason)
	m.Enabled = tf.BoolValue(m.State.ValueString() == "Enabled" || m.State.ValueString() == "Enabling")
	m.LastProcessingResult = text(c.LastProcessingResult)
	if c.LastModified != nil {
		m.LastModified = tf.StringValue(c.LastModified.UTC().Format(time.RFC3339))
	}
	if d := c.DestinationConfig; d != nil && d.OnFailure != nil {
		m.DestinationARN = text(d.OnFailure.Destination)
	}
	m.FunctionResponseTypes, m.FilterPatterns = strings(c.FunctionResponseTypes), []string{}
	if c.FilterCriteria != nil {
		for _, f := range c.FilterCriteria.Filters {
			m.FilterPatterns = append(m.FilterPatterns, aws.ToString(f.Pattern))
		}
	}
}
