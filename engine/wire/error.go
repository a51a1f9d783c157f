package wire

import (
	"fmt"
	"net/http"
)

// Error is an API error that AWS sends but no API model declares, such as
// ValidationException or RequestEntityTooLargeException (spec api §0.3, §E.5).
// Errors that the model declares are returned by handlers as the SDK's own
// types (*types.ResourceNotFoundException, …).
type Error struct {
	Code    string // goes out as x-amzn-ErrorType
	Status  int    // HTTP status
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrorCode makes Error satisfy the part of smithy.APIError that clients match on.
func (e *Error) ErrorCode() string { return e.Code }

// Validation returns the ValidationException that AWS answers to a request
// which breaks a constraint of the model.
func Validation(format string, args ...any) *Error {
	return &Error{Code: "ValidationException", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}
