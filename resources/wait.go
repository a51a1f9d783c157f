package resources

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// Pauses between looks at a state: short at first, as most changes are done at
// once, and longer and longer for those that are not.
const (
	firstPause = 50 * time.Millisecond
	growth     = 1.6
)

// poll looks until done, at once at first. The context bounds how long.
func poll(ctx context.Context, longest time.Duration, look func(context.Context) (done bool, err error)) error {
	pause := firstPause
	for {
		done, err := look(ctx)
		if done || err != nil {
			return err
		}
		timer := time.NewTimer(min(pause, longest))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause = time.Duration(float64(pause) * growth)
	}
}

// retry makes a call again for as long as its error is one that passes.
func retry(ctx context.Context, longest time.Duration, passes func(error) bool, call func(context.Context) error) error {
	var last error
	err := poll(ctx, longest, func(ctx context.Context) (bool, error) {
		last = call(ctx)
		if last == nil || !passes(last) {
			return true, last
		}
		return false, nil
	})
	if last != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("gave up waiting for this to pass: %w", last)
	}
	return err
}

// errorCode returns the code of an API error, or "".
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// errorMessage returns the message of an API error, or err's own text.
func errorMessage(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}

func isNotFound(err error) bool { return errorCode(err) == "ResourceNotFoundException" }

// isNotImplemented reports whether the other side lacks an operation that is
// only asked for to be thorough.
func isNotImplemented(err error) bool {
	code := errorCode(err)
	return strings.HasPrefix(code, "NotImplemented") || code == "UnknownOperationException"
}

// busy reports whether another change to the same thing is still going on.
func busy(err error) bool {
	switch errorCode(err) {
	case "ResourceConflictException":
		message := strings.ToLower(errorMessage(err))
		return strings.Contains(message, "in progress") || strings.Contains(message, "pending") || strings.Contains(message, "concurrent")
	case "ResourceInUseException", "ResourceNotReadyException":
		return true
	}
	return false
}

// roleNotReady reports whether a role or key that was just made has not reached
// Lambda yet. AWS tells that only in the text.
func roleNotReady(err error) bool {
	code, message := errorCode(err), errorMessage(err)
	if code != "InvalidParameterValueException" {
		return code == "KMSAccessDeniedException" && strings.Contains(message, "CreateGrant")
	}
	for _, text := range []string{
		"The role defined for the function cannot be assumed by Lambda",
		"The provided execution role does not have permissions",
		"throttled by EC2",
		"Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant",
	} {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

// either combines two conditions of retry.
func either(conditions ...func(error) bool) func(error) bool {
	return func(err error) bool {
		for _, c := range conditions {
			if c(err) {
				return true
			}
		}
		return false
	}
}
