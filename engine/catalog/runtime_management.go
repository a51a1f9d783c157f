package catalog

import "github.com/aws/aws-sdk-go-v2/service/lambda/types"

// RuntimeManagement says when a version takes up a newer runtime.
type RuntimeManagement struct {
	UpdateOn          types.UpdateRuntimeOn
	RuntimeVersionARN string `json:",omitempty"` // with Manual only
}

// RuntimeManagementOf returns what is set for a version; AWS's default if nothing is.
func (f *Function) RuntimeManagementOf(number string) RuntimeManagement {
	if m, ok := f.Runtime[number]; ok {
		return m
	}
	return RuntimeManagement{UpdateOn: types.UpdateRuntimeOnAuto}
}

// ManageRuntime sets it.
func (f *Function) ManageRuntime(number string, m RuntimeManagement) error {
	switch {
	case m.UpdateOn == types.UpdateRuntimeOnManual && m.RuntimeVersionARN == "":
		return Invalid("The RuntimeVersionArn parameter is required when UpdateRuntimeOn is set to Manual.")
	case m.UpdateOn != types.UpdateRuntimeOnManual && m.RuntimeVersionARN != "":
		return Invalid("The RuntimeVersionArn parameter is supported only when UpdateRuntimeOn is set to Manual.")
	}
	if f.Runtime == nil {
		f.Runtime = map[string]RuntimeManagement{}
	}
	f.Runtime[number] = m
	return nil
}
