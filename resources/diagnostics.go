package resources

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/aws/smithy-go"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// blame maps a text in an error message, in lower case, to the attribute that a
// message with this text is about. The first one that occurs counts.
type blame struct{ text, attribute string }

// member finds what a ValidationException says is wrong, as in
// "Value '0' at 'memorySize' failed to satisfy constraint".
var member = regexp.MustCompile(`at '([A-Za-z0-9_.]+)' failed to satisfy`)

// report adds an API error to diags: at the attribute to blame if the error says
// which one that is.
func report(diags *diag.Diagnostics, doing string, err error, blames ...blame) {
	detail := explain(err)
	if attribute := culprit(err, blames); attribute != "" {
		diags.AddAttributeError(path.Root(attribute), doing+" failed", detail)
		return
	}
	diags.AddError(doing+" failed", detail)
}

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// explain tells an error without the chain of layers that it came through.
func explain(err error) string {
	var h hinted
	if errors.As(err, &h) {
		return explain(h.error) + "\n\n" + h.hint
	}
	var api smithy.APIError
	var operation *smithy.OperationError
	switch {
	case errors.As(err, &api) && errors.As(err, &operation):
		return fmt.Sprintf("%s answered %s: %s", operation.Operation(), api.ErrorCode(), api.ErrorMessage())
	case errors.As(err, &api):
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err.Error()
}

func culprit(err error, blames []blame) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	message := api.ErrorMessage()
	if m := member.FindStringSubmatch(message); m != nil {
		name, _, _ := strings.Cut(m[1], ".")
		name = strings.ToLower(snake(name))
		for _, b := range blames {
			if b.text == name || b.attribute == name {
				return b.attribute
			}
		}
	}
	message = strings.ToLower(message)
	for _, b := range blames {
		if strings.Contains(message, b.text) {
			return b.attribute
		}
	}
	return ""
}

// snake turns an API member's name into an attribute's: memorySize into memory_size.
func snake(s string) string {
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
