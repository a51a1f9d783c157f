package resources

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

var fifoName = regexp.MustCompile(`\.fifo$`)

func (r *localQueue) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A queue of the local engine's SQS. Attributes are named as those of `aws_sqs_queue`. " +
			"With `target = \"aws\"` it is refused: use `aws_sqs_queue` there.",
		Attributes: map[string]schema.Attribute{
			"id":     schema.StringAttribute{Computed: true, MarkdownDescription: "The queue's URL.", PlanModifiers: keep},
			"arn":    schema.StringAttribute{Computed: true, MarkdownDescription: "The queue's ARN.", PlanModifiers: keep},
			"url":    schema.StringAttribute{Computed: true, MarkdownDescription: "The queue's URL.", PlanModifiers: keep},
			"region": regionAttribute(),
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the queue; that of a FIFO queue ends in `.fifo`. Changing it forces a new resource.",
				Validators:          []validator.String{matches(`^([a-zA-Z0-9_-]{1,80}|[a-zA-Z0-9_-]{1,75}\.fifo)$`, "has 1 to 80 letters, digits, - and _, with .fifo at the end of a FIFO queue's")},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"fifo_queue": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether it is a FIFO queue. Default: false. Changing it forces a new resource.",
				PlanModifiers:       []planmodifier.Bool{boolplanmodifier.RequiresReplace()},
			},
			"content_based_deduplication": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether messages of a FIFO queue are duplicates when their bodies are equal. Default: false.",
			},
			"visibility_timeout_seconds": queueNumber(0, 43200, 30, "How long a message that was received is hidden from others, in seconds."),
			"delay_seconds":              queueNumber(0, 900, 0, "How long messages are hidden after they were sent, in seconds."),
			"message_retention_seconds":  queueNumber(60, 1209600, 345600, "How long messages are kept, in seconds."),
			"max_message_size":           queueNumber(1024, 1048576, 1048576, "Size of the largest message, in bytes."),
			"receive_wait_time_seconds":  queueNumber(0, 20, 0, "How long a receive waits for messages, in seconds."),
			"redrive_policy": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "JSON: `deadLetterTargetArn`, the queue that takes what was received `maxReceiveCount` times in vain.",
				Validators: []validator.String{check{"must be JSON", func(s string) error {
					if !json.Valid([]byte(s)) {
						return errors.New("this is not JSON: use jsonencode({ deadLetterTargetArn = …, maxReceiveCount = 4 })")
					}
					return nil
				}}},
			},
			"tags": schema.MapAttribute{Optional: true, ElementType: tf.StringType, MarkdownDescription: "Tags."},
		},
	}
}

func queueNumber(least, most, standard int64, description string) schema.Int64Attribute {
	return schema.Int64Attribute{
		Optional: true, Computed: true, Default: int64default.StaticInt64(standard),
		MarkdownDescription: description + " Default: " + tf.Int64Value(standard).String() + ".",
		Validators:          []validator.Int64{int64validator.Between(least, most)},
	}
}
