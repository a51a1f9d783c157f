package resources

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/packaging"
	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// check is a validator of strings made of a function.
type check struct {
	description string
	valid       func(string) error
}

func (c check) Description(context.Context) string         { return c.description }
func (c check) MarkdownDescription(context.Context) string { return c.description }

func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.valid(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", fmt.Sprintf("%q: %s.", req.ConfigValue.ValueString(), err))
	}
}

func matches(pattern, description string) validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile(pattern), description)
}

// oneOf accepts the values of one of the SDK's enumerations.
func oneOf[E ~string](values []E) validator.String {
	return stringvalidator.OneOf(names(values)...)
}

func isARN() validator.String {
	return check{"must be an ARN", func(s string) error {
		if s == "" || arn.IsARN(s) {
			return nil
		}
		return errors.New("this is not an ARN (arn:partition:service:region:account:resource)")
	}}
}

func isFunction() validator.String {
	return check{"must be a function's name or ARN", func(s string) error {
		_, err := arn.ParseFunction(s)
		if err != nil {
			return errors.New("this is neither the name of a function (letters, digits, - and _) nor its ARN")
		}
		if len(s) > 140 {
			return errors.New("this is longer than 140 characters")
		}
		return nil
	}}
}

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)

func isAliasName() validator.String {
	return check{"must be the name of an alias", func(s string) error {
		switch {
		case !aliasPattern.MatchString(s):
			return errors.New("the name of an alias has 1 to 128 letters, digits, - and _")
		case isNumber(s):
			return errors.New("the name of an alias cannot be a number, which would be a version")
		}
		return nil
	}}
}

func isVersion() validator.String {
	return check{"must be a version", func(s string) error {
		if s != latest && !isNumber(s) {
			return errors.New("a version is a number or $LATEST")
		}
		return nil
	}}
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func isTime() validator.String {
	return check{"must be a time as in RFC 3339", func(s string) error {
		_, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return errors.New("write the time as 2006-01-02T15:04:05Z")
		}
		return nil
	}}
}

func isExcludePattern() validator.String {
	return check{"must be a pattern of files", packaging.ValidatePattern}
}

// enumIn accepts lists of objects in which an attribute has one of the values:
// what a validator of the attribute would say if it could have one.
type enumIn struct {
	attribute string
	values    []string
	required  bool
}

func (e enumIn) Description(context.Context) string {
	return fmt.Sprintf("%s must be one of %s", e.attribute, strings.Join(e.values, ", "))
}
func (e enumIn) MarkdownDescription(ctx context.Context) string { return e.Description(ctx) }

func (e enumIn) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	for i, element := range req.ConfigValue.Elements() {
		object, ok := element.(types.Object)
		if !ok || object.IsUnknown() {
			continue
		}
		at := req.Path.AtListIndex(i)
		value, ok := object.Attributes()[e.attribute].(types.String)
		switch {
		case !ok || value.IsUnknown():
		case value.IsNull() && e.required:
			resp.Diagnostics.AddAttributeError(at, "Missing attribute", fmt.Sprintf("%s is required: one of %s.", e.attribute, strings.Join(e.values, ", ")))
		case !value.IsNull() && value.ValueString() != "" && !slices.Contains(e.values, value.ValueString()):
			resp.Diagnostics.AddAttributeError(at.AtName(e.attribute), "Invalid value", fmt.Sprintf("%q: must be one of %s.", value.ValueString(), strings.Join(e.values, ", ")))
		}
	}
}

// between accepts lists of objects in which a number lies in a range.
type between struct {
	attribute string
	min, max  int64
}

func (b between) Description(context.Context) string {
	return fmt.Sprintf("%s must be between %d and %d", b.attribute, b.min, b.max)
}
func (b between) MarkdownDescription(ctx context.Context) string { return b.Description(ctx) }

func (b between) ValidateList(ctx context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	for i, element := range req.ConfigValue.Elements() {
		object, ok := element.(types.Object)
		if !ok || object.IsUnknown() {
			continue
		}
		value, ok := object.Attributes()[b.attribute].(types.Int64)
		if !ok || value.IsUnknown() || value.IsNull() {
			continue
		}
		if n := value.ValueInt64(); n < b.min || n > b.max {
			resp.Diagnostics.AddAttributeError(req.Path.AtListIndex(i).AtName(b.attribute), "Invalid value", fmt.Sprintf("%d: %s.", n, b.Description(ctx)))
		}
	}
}
