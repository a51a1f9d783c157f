package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// functionsPage is how many functions, or parts of one, AWS lists at most in one answer.
const functionsPage = 50

// CreateFunction implements spec api §A.4.
func (s *Service) CreateFunction(ctx context.Context, in *lambda.CreateFunctionInput) (*lambda.CreateFunctionOutput, error) {
	if err := s.checkReload(ctx, in.Tags); err != nil {
		return nil, err
	}
	r, err := ref(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	r.Qualifier = ""
	if err := checkCreate(in); err != nil {
		return nil, err
	}
	if _, err := s.Catalog.Function(r); err == nil {
		return nil, catalog.Conflict("Function already exist: %s", r.Name)
	}
	if err := s.Catalog.CheckSignature(r.Scope, value(in.CodeSigningConfigArn)); err != nil {
		return nil, err
	}
	config := defaults(r, in)
	given := codeInput{
		zip: in.Code.ZipFile, bucket: in.Code.S3Bucket, key: in.Code.S3Key, version: in.Code.S3ObjectVersion,
		mode: in.Code.S3ObjectStorageMode, image: in.Code.ImageUri,
	}
	code, err := s.storeCode(ctx, given, config.PackageType, config.Architectures)
	if err != nil {
		return nil, err
	}
	var published *catalog.Version
	f, err := s.Catalog.Create(ctx, r, func(f *catalog.Function) error {
		f.Tags, f.CodeSigningConfig = in.Tags, value(in.CodeSigningConfigArn)
		f.Latest = catalog.Version{Config: config}
		setCode(&f.Latest, code)
		if err := s.configure(ctx, &f.Latest, configurationOf(in)); err != nil {
			return err
		}
		return s.seal(ctx, f, in.Publish, &published)
	})
	if err != nil {
		return nil, err
	}
	s.Invoker.Settle(f)
	config = f.Latest.Config
	if published != nil { // the number of the new version, but still the unqualified ARN (R11)
		config = catalog.Pending(published.Config)
	}
	return answer[lambda.CreateFunctionOutput](config), nil
}

// seal finishes a change of $LATEST, and publishes it when asked to.
func (s *Service) seal(ctx context.Context, f *catalog.Function, publish bool, published **catalog.Version) error {
	if err := checkSize(f.Latest); err != nil {
		return err
	}
	f.Changed(s.Now())
	if err := f.Seal(); err != nil {
		return err
	}
	if !publish {
		return nil
	}
	version, _, err := s.Catalog.Publish(ctx, f, nil)
	*published = &version
	return err
}

// GetFunction implements spec api §A.10.
func (s *Service) GetFunction(ctx context.Context, in *lambda.GetFunctionInput) (*lambda.GetFunctionOutput, error) {
	f, version, config, err := s.configuration(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionOutput{Configuration: &config, Code: s.codeLocation(ctx, version)}
	if len(f.Tags) > 0 {
		out.Tags = f.Tags
	}
	if f.Reserved != nil && value(in.Qualifier) == "" {
		out.Concurrency = &types.Concurrency{ReservedConcurrentExecutions: f.Reserved}
	}
	return out, nil
}

// GetFunctionConfiguration implements spec api §A.11.
func (s *Service) GetFunctionConfiguration(ctx context.Context, in *lambda.GetFunctionConfigurationInput) (*lambda.GetFunctionConfigurationOutput, error) {
	_, _, config, err := s.configuration(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return answer[lambda.GetFunctionConfigurationOutput](config), nil
}

// configuration finds what a name and a qualifier stand for. The ARN of the
// configuration mirrors what was asked for.
func (s *Service) configuration(ctx context.Context, name, qualifier *string) (f catalog.Function, v catalog.Version, c types.FunctionConfiguration, err error) {
	r, err := ref(ctx, name, qualifier)
	if err != nil {
		return f, v, c, err
	}
	if f, err = s.Catalog.Function(r); err != nil {
		return f, v, c, err
	}
	number, ok := f.VersionOf(r.Qualifier)
	if !ok {
		return f, v, c, catalog.NotFound("Function not found: %s", r.ARN())
	}
	if v, err = s.Catalog.Version(f, number); err != nil {
		return f, v, c, err
	}
	c = v.Config
	c.FunctionArn = ptr(r.ARN())
	return f, v, c, nil
}

// DeleteFunction implements spec api §A.7.
func (s *Service) DeleteFunction(ctx context.Context, in *lambda.DeleteFunctionInput) (*lambda.DeleteFunctionOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	qualifier := r.Qualifier
	r.Qualifier = ""
	out := &lambda.DeleteFunctionOutput{StatusCode: 204}
	switch {
	case qualifier == "":
		return out, s.Catalog.Delete(ctx, r)
	case qualifier == catalog.LatestVersion:
		return nil, catalog.Invalid("$LATEST version cannot be deleted without deleting the function.")
	case !isNumber(qualifier):
		return nil, catalog.Invalid("Deletion of aliases is not currently supported.")
	}
	return out, s.Catalog.DeleteVersion(ctx, r, qualifier)
}

// ListFunctions implements spec api §A.17. A page costs what is on it, however
// many functions there are.
func (s *Service) ListFunctions(ctx context.Context, in *lambda.ListFunctionsInput) (*lambda.ListFunctionsOutput, error) {
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	limit := pageSize(in.MaxItems, functionsPage)
	first, _, _ := strings.Cut(after, " ")
	configs := []types.FunctionConfiguration{}
	for f := range s.Catalog.Functions(scope(ctx), first) {
		entries := []types.FunctionConfiguration{listed(f.Latest.Config)}
		if in.FunctionVersion == types.FunctionVersionAll {
			if entries, err = s.versions(f); err != nil {
				return nil, err
			}
		}
		for _, c := range entries {
			if sortKey(c) > after {
				configs = append(configs, c)
			}
		}
		if len(configs) > limit {
			break
		}
	}
	configs, next := cut(configs, sortKey, limit)
	return &lambda.ListFunctionsOutput{Functions: configs, NextMarker: next}, nil
}

// versions lists $LATEST and the published versions of f, oldest first, with qualified ARNs.
func (s *Service) versions(f catalog.Function) ([]types.FunctionConfiguration, error) {
	numbers := []string{catalog.LatestVersion}
	for _, v := range f.Versions {
		numbers = append(numbers, v.Number)
	}
	configs := make([]types.FunctionConfiguration, 0, len(numbers))
	for _, number := range numbers {
		v, err := s.Catalog.Version(f, number)
		var deleted *types.ResourceNotFoundException // since f was read
		if errors.As(err, &deleted) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c := listed(v.Config)
		c.FunctionArn = ptr(f.Ref().With(number).ARN())
		configs = append(configs, c)
	}
	return configs, nil
}

// sortKey orders versions by function and number; $LATEST comes first.
func sortKey(c types.FunctionConfiguration) string {
	number := 0
	if _, err := fmt.Sscanf(*c.Version, "%d", &number); err != nil {
		number = 0
	}
	return fmt.Sprintf("%s %0*d", *c.FunctionName, len(fmt.Sprint(math.MaxInt32)), number)
}

// list makes sure that an empty list is written as [], not left out.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func isNumber(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
