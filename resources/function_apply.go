package resources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// Create makes the function, waits until it can be invoked, and then reserves
// its concurrency.
func (r *function) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m functionModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Create(ctx, functionTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m.Region = r.region(m.Region)
	m.TagsAll = r.hotTags(ctx, &m, r.allTags(ctx, m.Tags, m.TagsAll, diags), diags)
	in := m.creation(ctx, diags)
	if in.Code = m.code(ctx, diags); diags.HasError() {
		return
	}
	var out *lambda.CreateFunctionOutput
	err := r.propagated(ctx, &m, func(ctx context.Context) (err error) {
		out, err = client.CreateFunction(ctx, in)
		return err
	})
	if err != nil {
		if errorCode(err) == "ResourceConflictException" {
			err = hinted{err, "To manage the function that exists, import it: terraform import ADDRESS " + aws.ToString(in.FunctionName)}
		}
		report(diags, "Creating function "+aws.ToString(in.FunctionName), err, m.blames()...)
		return
	}
	// From here on the function exists, whatever fails next: keep it in the state.
	var config types.FunctionConfiguration
	copyFields(&config, out)
	version := latest
	if in.Publish {
		version = aws.ToString(out.Version)
	}
	save := func() {
		m.read(ctx, &config, diags)
		m.setVersion(version)
		origin{Code: m.CodeSHA256.ValueString()}.save(ctx, resp.Private, diags)
		diags.Append(resp.State.Set(ctx, &m)...)
	}
	settled, err := r.settle(ctx, client, aws.ToString(in.FunctionName))
	if err != nil {
		save()
		report(diags, "Waiting for function "+aws.ToString(in.FunctionName), err, functionBlames...)
		return
	}
	config = *settled
	save()
	if m.ReservedConcurrentExecutions.ValueInt64() != unreserved {
		r.reserve(ctx, client, &m, diags)
	}
}

// Update changes what differs between state and plan: first the configuration,
// then the code, so that new code never runs with an old configuration for
// those who call a version or an alias; then it publishes.
func (r *function) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, was functionModel
	diags := &resp.Diagnostics
	diags.Append(req.Plan.Get(ctx, &m)...)
	diags.Append(req.State.Get(ctx, &was)...)
	if diags.HasError() {
		return
	}
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Update(ctx, functionTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	name := m.FunctionName.ValueString()
	from := loadOrigin(ctx, req.Private, diags)
	m.TagsAll = r.hotTags(ctx, &m, r.allTags(ctx, m.Tags, m.TagsAll, diags), diags)
	updateTags(ctx, client, m.ARN.ValueString(), was.TagsAll, m.TagsAll, diags)
	r.updateSigning(ctx, client, &was, &m, diags)
	if diags.HasError() {
		return
	}
	changed := false
	if in := configurationChange(ctx, &was, &m, diags); in != nil && !diags.HasError() {
		changed = true
		r.updateConfiguration(ctx, client, &m, in, diags)
	}
	if !diags.HasError() && m.deploys(&was) {
		changed = r.updateCode(ctx, client, &was, &m, diags) || changed
	}
	if !diags.HasError() && !m.ReservedConcurrentExecutions.Equal(was.ReservedConcurrentExecutions) {
		r.reserve(ctx, client, &m, diags)
	}
	if diags.HasError() {
		return // the state stays what it was, so the next plan tries again
	}
	config, err := r.settle(ctx, client, name)
	if err != nil {
		report(diags, "Reading function "+name, err)
		return
	}
	version := was.Version.ValueString()
	if m.publishes(&was, changed, from.Imported) {
		if version, err = r.publish(ctx, client, name, aws.ToString(config.CodeSha256)); err != nil {
			report(diags, "Publishing a version of function "+name, err)
			return
		}
	}
	m.read(ctx, config, diags)
	m.setVersion(version)
	origin{Code: m.CodeSHA256.ValueString()}.save(ctx, resp.Private, diags)
	diags.Append(resp.State.Set(ctx, &m)...)
}

// deploys reports whether the plan wants other code than the state has.
func (m *functionModel) deploys(was *functionModel) bool {
	return !m.CodeSHA256.Equal(was.CodeSHA256) || !m.Architectures.Equal(was.Architectures) ||
		m.SourceKMSKeyARN.ValueString() != was.SourceKMSKeyARN.ValueString()
}

// publishes reports whether a version is to be published.
func (m *functionModel) publishes(was *functionModel, changed, imported bool) bool {
	begins := !was.Publish.ValueBool()
	if imported && was.Version.ValueString() != latest {
		begins = false // what was imported was published before
	}
	return m.Publish.ValueBool() && (changed || begins)
}

func (r *function) updateConfiguration(ctx context.Context, client *lambda.Client, m *functionModel, in *lambda.UpdateFunctionConfigurationInput, diags *diag.Diagnostics) {
	err := r.propagated(ctx, m, func(ctx context.Context) error {
		_, err := client.UpdateFunctionConfiguration(ctx, in)
		return err
	})
	if err == nil {
		_, err = r.settle(ctx, client, aws.ToString(in.FunctionName))
	}
	if err != nil {
		report(diags, "Updating the configuration of function "+aws.ToString(in.FunctionName), err, functionBlames...)
	}
}

// updateCode deploys the code, unless it turns out to be what is deployed.
func (r *function) updateCode(ctx context.Context, client *lambda.Client, was, m *functionModel, diags *diag.Diagnostics) (changed bool) {
	if m.local() && m.CodeSHA256.IsUnknown() {
		digest, err := m.digest(ctx, diags)
		if err == nil && digest.SHA256 == was.CodeSHA256.ValueString() && m.Architectures.Equal(was.Architectures) &&
			m.SourceKMSKeyARN.ValueString() == was.SourceKMSKeyARN.ValueString() {
			return false
		}
	}
	code := m.code(ctx, diags)
	if diags.HasError() {
		return false
	}
	in := &lambda.UpdateFunctionCodeInput{
		FunctionName: m.FunctionName.ValueStringPointer(), ZipFile: code.ZipFile, ImageUri: code.ImageUri,
		S3Bucket: code.S3Bucket, S3Key: code.S3Key, S3ObjectVersion: code.S3ObjectVersion, SourceKMSKeyArn: code.SourceKMSKeyArn,
	}
	if !m.Architectures.Equal(was.Architectures) {
		in.Architectures = enums[types.Architecture](texts(ctx, m.Architectures, diags))
	}
	err := r.propagated(ctx, m, func(ctx context.Context) error {
		_, err := client.UpdateFunctionCode(ctx, in)
		return err
	})
	if err == nil {
		_, err = r.settle(ctx, client, aws.ToString(in.FunctionName))
	}
	if err != nil {
		report(diags, "Updating the code of function "+aws.ToString(in.FunctionName), err, m.blames()...)
	}
	return true
}

// blames are functionBlames with the attribute that says where the code is.
func (m *functionModel) blames() []blame {
	at := m.codeAttribute().String()
	return slices.Concat([]blame{{"unzip", at}, {"zip file", at}}, functionBlames, []blame{{"code", at}})
}

func (r *function) reserve(ctx context.Context, client *lambda.Client, m *functionModel, diags *diag.Diagnostics) {
	name, n := m.FunctionName.ValueStringPointer(), m.ReservedConcurrentExecutions
	err := retry(ctx, r.conn.PollMax, busy, func(ctx context.Context) (err error) {
		if n.ValueInt64() == unreserved {
			_, err = client.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: name})
		} else {
			_, err = client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: optionalNumber(n)})
		}
		return err
	})
	if err != nil {
		report(diags, "Reserving concurrency for function "+*name, err, blame{"", "reserved_concurrent_executions"})
	}
}

func (r *function) updateSigning(ctx context.Context, client *lambda.Client, was, m *functionModel, diags *diag.Diagnostics) {
	want := m.CodeSigningConfigARN.ValueString()
	if want == was.CodeSigningConfigARN.ValueString() {
		return
	}
	var err error
	if want == "" {
		_, err = client.DeleteFunctionCodeSigningConfig(ctx, &lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: m.FunctionName.ValueStringPointer()})
	} else {
		_, err = client.PutFunctionCodeSigningConfig(ctx, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: m.FunctionName.ValueStringPointer(), CodeSigningConfigArn: &want})
	}
	if err != nil {
		report(diags, "Changing the code signing configuration", err, blame{"", "code_signing_config_arn"})
	}
}

// publish publishes $LATEST if it still holds the given code.
func (r *function) publish(ctx context.Context, client *lambda.Client, name, code string) (version string, err error) {
	err = retry(ctx, r.conn.PollMax, busy, func(ctx context.Context) error {
		out, err := client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &name, CodeSha256: &code})
		if err == nil {
			version = aws.ToString(out.Version)
		}
		return err
	})
	return version, err
}

// settle waits until the function takes the next change, and returns its configuration.
func (r *function) settle(ctx context.Context, client *lambda.Client, name string) (*types.FunctionConfiguration, error) {
	return settleVersion(ctx, client, r.conn.PollMax, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
}

// settleVersion is settle for any version.
func settleVersion(ctx context.Context, client *lambda.Client, longest time.Duration, in *lambda.GetFunctionConfigurationInput) (*types.FunctionConfiguration, error) {
	var config types.FunctionConfiguration
	err := poll(ctx, longest, func(ctx context.Context) (bool, error) {
		out, err := client.GetFunctionConfiguration(ctx, in)
		if err != nil {
			return false, err
		}
		copyFields(&config, out)
		switch {
		case out.State == types.StateFailed:
			return false, fmt.Errorf("the function is in state Failed: %s (%s)", aws.ToString(out.StateReason), out.StateReasonCode)
		case out.LastUpdateStatus == types.LastUpdateStatusFailed:
			return false, fmt.Errorf("the last update failed: %s (%s)", aws.ToString(out.LastUpdateStatusReason), out.LastUpdateStatusReasonCode)
		}
		return out.State != types.StatePending && out.LastUpdateStatus != types.LastUpdateStatusInProgress, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("the function is still in state %s (last update: %s) when the time for it is over; see the timeouts block", config.State, config.LastUpdateStatus)
	}
	return &config, err
}

// propagated makes a call that may have to wait for a new role, key or network,
// or for another change to end.
func (r *function) propagated(ctx context.Context, m *functionModel, call func(context.Context) error) error {
	if !m.UseResourceTimeout.ValueBool() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, propagationTimeout)
		defer cancel()
	}
	return retry(ctx, r.conn.PollMax, either(roleNotReady, busy), call)
}

// replicated reports whether CloudFront still has copies of the function.
func replicated(err error) bool {
	return errorCode(err) == "InvalidParameterValueException" && strings.Contains(errorMessage(err), "replicated function")
}
