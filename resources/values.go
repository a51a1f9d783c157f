package resources

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// collection is a list, set or map.
type collection interface {
	attr.Value
	ElementsAs(ctx context.Context, target any, allowUnhandled bool) diag.Diagnostics
}

// elements returns what is in a list or set, or nil if it is null or unknown.
func elements[T any](ctx context.Context, v collection, diags *diag.Diagnostics) []T {
	if v.IsNull() || v.IsUnknown() {
		return nil
	}
	var out []T
	diags.Append(v.ElementsAs(ctx, &out, false)...)
	return out
}

// block returns the one element of a block that may be there once, or nil.
func block[T any](ctx context.Context, v collection, diags *diag.Diagnostics) *T {
	if all := elements[T](ctx, v, diags); len(all) > 0 {
		return &all[0]
	}
	return nil
}

// texts returns what is in a list or set of strings, sorted if it is a set.
func texts(ctx context.Context, v collection, diags *diag.Diagnostics) []string {
	out := elements[string](ctx, v, diags)
	if _, ok := v.(types.Set); ok {
		slices.Sort(out)
	}
	return out
}

func textMap(ctx context.Context, v types.Map, diags *diag.Diagnostics) map[string]string {
	if v.IsNull() || v.IsUnknown() {
		return nil
	}
	// Null values mean the same as no value, as they do upstream.
	var nullable map[string]types.String
	diags.Append(v.ElementsAs(ctx, &nullable, false)...)
	out := make(map[string]string, len(nullable))
	for k, s := range nullable {
		if !s.IsNull() {
			out[k] = s.ValueString()
		}
	}
	return out
}

// listOf sets a list or block from elements; none of them makes it null.
func listOf[T any](ctx context.Context, v *types.List, all []T, diags *diag.Diagnostics) {
	if len(all) == 0 {
		*v = types.ListNull(v.ElementType(ctx))
		return
	}
	out, d := types.ListValueFrom(ctx, v.ElementType(ctx), all)
	diags.Append(d...)
	*v = out
}

// setOf is listOf for sets.
func setOf[T any](ctx context.Context, v *types.Set, all []T, diags *diag.Diagnostics) {
	if len(all) == 0 {
		*v = types.SetNull(v.ElementType(ctx))
		return
	}
	out, d := types.SetValueFrom(ctx, v.ElementType(ctx), all)
	diags.Append(d...)
	*v = out
}

// keepList keeps an empty list that the configuration has where the API has none.
func keepList[T any](ctx context.Context, v *types.List, all []T, diags *diag.Diagnostics) {
	if len(all) == 0 && !v.IsNull() && !v.IsUnknown() && len(v.Elements()) == 0 {
		return
	}
	listOf(ctx, v, all, diags)
}

// keepSet is keepList for sets.
func keepSet[T any](ctx context.Context, v *types.Set, all []T, diags *diag.Diagnostics) {
	if len(all) == 0 && !v.IsNull() && !v.IsUnknown() && len(v.Elements()) == 0 {
		return
	}
	setOf(ctx, v, all, diags)
}

// stringSet returns a set of strings.
func stringSet(all []string) types.Set {
	values := make([]attr.Value, len(all))
	for i, s := range all {
		values[i] = types.StringValue(s)
	}
	return types.SetValueMust(types.StringType, values)
}

// stringList returns a list of strings.
func stringList(all []string) types.List {
	values := make([]attr.Value, len(all))
	for i, s := range all {
		values[i] = types.StringValue(s)
	}
	return types.ListValueMust(types.StringType, values)
}

// stringMap returns a map of strings.
func stringMap(m map[string]string) types.Map {
	values := make(map[string]attr.Value, len(m))
	for k, s := range m {
		values[k] = types.StringValue(s)
	}
	return types.MapValueMust(types.StringType, values)
}

// text returns the API's value of an attribute that may be left out. AWS says ""
// where nothing is set; what the configuration said of nothing stays as it is.
func text(prior types.String, s *string) types.String {
	if aws.ToString(s) != "" {
		return types.StringValue(*s)
	}
	if prior.ValueString() == "" && !prior.IsUnknown() {
		return prior
	}
	return types.StringNull()
}

// known returns an attribute that is computed: null where the API says nothing.
func known(s *string) types.String {
	if aws.ToString(s) == "" {
		return types.StringNull()
	}
	return types.StringValue(*s)
}

// number returns the API's value of an attribute that may be left out; 0 stands
// for nothing as "" does for text.
func number(prior types.Int64, n *int32) types.Int64 {
	if n != nil && *n != 0 {
		return types.Int64Value(int64(*n))
	}
	if prior.ValueInt64() == 0 && !prior.IsUnknown() {
		return prior
	}
	return types.Int64Null()
}

// optionalText returns nil for null, unknown and "".
func optionalText(v types.String) *string {
	if v.ValueString() == "" {
		return nil
	}
	return v.ValueStringPointer()
}

// optionalNumber returns nil for null and unknown.
func optionalNumber(v types.Int64) *int32 {
	if v.IsNull() || v.IsUnknown() {
		return nil
	}
	return aws.Int32(int32(v.ValueInt64()))
}

// optionalBool returns nil for null and unknown.
func optionalBool(v types.Bool) *bool {
	if v.IsNull() || v.IsUnknown() {
		return nil
	}
	return v.ValueBoolPointer()
}

func int64Of(n *int32) types.Int64 {
	if n == nil {
		return types.Int64Null()
	}
	return types.Int64Value(int64(*n))
}

// enums turns strings into values of one of the SDK's enumerations.
func enums[E ~string](all []string) []E {
	if len(all) == 0 {
		return nil
	}
	out := make([]E, len(all))
	for i, s := range all {
		out[i] = E(s)
	}
	return out
}

// names turns values of one of the SDK's enumerations into strings.
func names[E ~string](all []E) []string {
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = string(e)
	}
	return out
}
