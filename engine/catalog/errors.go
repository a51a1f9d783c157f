package catalog

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// NotFound returns a ResourceNotFoundException.
func NotFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: message(format, args), Type: user()}
}

// Conflict returns a ResourceConflictException.
func Conflict(format string, args ...any) error {
	return &types.ResourceConflictException{Message: message(format, args), Type: user()}
}

// Invalid returns an InvalidParameterValueException.
func Invalid(format string, args ...any) error {
	return &types.InvalidParameterValueException{Message: message(format, args), Type: user()}
}

// stale returns the PreconditionFailedException for a RevisionId that is not the current one.
func stale(call string) error {
	return &types.PreconditionFailedException{Message: message(
		"The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the latest Revision Id", []any{call},
	), Type: user()}
}

func message(format string, args []any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}

func user() *string {
	s := "User"
	return &s
}
