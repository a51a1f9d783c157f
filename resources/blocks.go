package resources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type tfType = attr.Type

// onceBlock is a block that may be there once. It is a list for the sake of
// configurations and references written for hashicorp/aws.
func onceBlock(description string, attributes map[string]schema.Attribute, blocks map[string]schema.Block) schema.ListNestedBlock {
	return schema.ListNestedBlock{
		MarkdownDescription: description,
		Validators:          []validator.List{listvalidator.SizeAtMost(1)},
		NestedObject:        schema.NestedBlockObject{Attributes: attributes, Blocks: blocks},
	}
}

// replacedBlock makes adding and removing a block force a new resource.
func replacedBlock(b schema.ListNestedBlock) schema.ListNestedBlock {
	b.PlanModifiers = append(b.PlanModifiers, listplanmodifier.RequiresReplaceIf(
		func(_ context.Context, req planmodifier.ListRequest, resp *listplanmodifier.RequiresReplaceIfFuncResponse) {
			resp.RequiresReplace = len(req.PlanValue.Elements()) != len(req.StateValue.Elements())
		}, "Adding or removing the block forces a new resource.", "Adding or removing the block forces a new resource."))
	return b
}

// filledIn is a block that Lambda fills in where the configuration has none.
// Terraform lets a provider fill in attributes only, and takes block syntax for
// an attribute of this type.
func filledIn(description string, attributes map[string]tfType, validators ...validator.List) schema.ListAttribute {
	return schema.ListAttribute{
		Optional: true, Computed: true,
		MarkdownDescription: description,
		ElementType:         types.ObjectType{AttrTypes: attributes},
		Validators:          append([]validator.List{listvalidator.SizeAtMost(1)}, validators...),
		PlanModifiers:       []planmodifier.List{keepFilledIn{}},
	}
}
