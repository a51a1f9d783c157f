package catalog

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// creating begins the life of f: it is Pending until Settle.
func creating(c *types.FunctionConfiguration) {
	rest(c)
	c.State, c.StateReasonCode = types.StatePending, types.StateReasonCodeCreating
	c.StateReason = beingCreated()
	c.LastUpdateStatus = ""
}

// updating marks a change of code or configuration, which is in progress until Settle.
// The reason is the one that AWS gives for updates as well.
func updating(c *types.FunctionConfiguration) {
	c.LastUpdateStatus = types.LastUpdateStatusInProgress
	c.LastUpdateStatusReason = beingCreated()
	c.LastUpdateStatusReasonCode = types.LastUpdateStatusReasonCode(types.StateReasonCodeCreating)
}

// rest is the state of a function that nothing is being done to.
func rest(c *types.FunctionConfiguration) {
	c.State, c.StateReason, c.StateReasonCode = types.StateActive, nil, ""
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = types.LastUpdateStatusSuccessful, nil, ""
}

func beingCreated() *string {
	reason := "The function is being created."
	return &reason
}

// Pending returns c as the answer to a publication shows it. Versions have their
// code ready, so they are at rest as soon as anybody else looks.
func Pending(c types.FunctionConfiguration) types.FunctionConfiguration {
	creating(&c)
	return c
}

// Settled tells whether the last creation or update of f is complete.
func (f *Function) Settled() bool {
	c := &f.Latest.Config
	return c.State != types.StatePending && c.LastUpdateStatus != types.LastUpdateStatusInProgress
}

// CheckChangeable returns AWS's error if $LATEST cannot be changed or published
// now: it is being created or updated, or revision, when not nil, is not its own.
func (f *Function) CheckChangeable(revision *string) error {
	switch {
	case f.Latest.Config.State == types.StatePending:
		return Conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	case !f.Settled():
		return Conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", f.Ref().ARN())
	case revision != nil && *revision != *f.Latest.Config.RevisionId:
		return stale("GetFunction/GetAlias")
	}
	return nil
}

// Settle completes the creation or update of f, with the reason if it failed. The
// revision changes once more, as AWS's does.
func (f *Function) Settle(failure error) {
	c := &f.Latest.Config
	created := c.State == types.StatePending
	rest(c)
	f.Touch()
	if failure == nil {
		return
	}
	reason, code := failure.Error(), types.StateReasonCodeInternalError
	var unusable *types.InvalidZipFileException
	if errors.As(failure, &unusable) {
		code = types.StateReasonCodeInvalidZipFileException
	}
	c.LastUpdateStatus, c.LastUpdateStatusReason = types.LastUpdateStatusFailed, &reason
	c.LastUpdateStatusReasonCode = types.LastUpdateStatusReasonCode(code)
	if created {
		c.State, c.StateReason, c.StateReasonCode = types.StateFailed, &reason, code
	}
}
