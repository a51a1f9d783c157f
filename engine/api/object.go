package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// readObject reads a code package out of S3. Only what is in it is limited, as on AWS.
func (s *Service) readObject(ctx context.Context, in codeInput) ([]byte, error) {
	if value(in.bucket) == "" || value(in.key) == "" {
		return nil, catalog.Invalid("S3Bucket and S3Key must be given together.")
	}
	region := scope(ctx).Region
	client, err := s.S3(ctx, region)
	if err != nil {
		return nil, objectError(in, region, err)
	}
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: in.bucket, Key: in.key, VersionId: in.version})
	if err != nil {
		return nil, objectError(in, region, err)
	}
	defer object.Body.Close()
	if value(object.ContentLength) > catalog.MaxUnzipped {
		return nil, errTooLarge()
	}
	pkg, err := io.ReadAll(io.LimitReader(object.Body, catalog.MaxUnzipped+1))
	switch {
	case err != nil:
		return nil, objectError(in, region, err)
	case len(pkg) > catalog.MaxUnzipped:
		return nil, errTooLarge()
	}
	return pkg, nil
}

// elsewhere are S3's errors for a bucket in another region.
var elsewhere = []string{"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}

// objectError passes on what S3 answered in the words of Lambda; without an
// answer, it says what the engine lacks.
func objectError(in codeInput, region string, err error) error {
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		return catalog.Invalid("The engine cannot read the S3 object s3://%s/%s: %v. Give the engine's environment AWS credentials that may read it, name another S3 in its configuration file (services { s3 = \"http://127.0.0.1:9000\" }), or send the code as ZipFile.", *in.bucket, *in.key, err)
	}
	code, text := answered.ErrorCode(), answered.ErrorMessage()
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && slices.Contains(elsewhere, code) {
		if actual := response.Response.Header.Get("X-Amz-Bucket-Region"); actual != "" && actual != region {
			code, text = "PermanentRedirect", fmt.Sprintf("The bucket is in this region: %s. Please use this region to retry the request", actual)
		}
	}
	return catalog.Invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, text)
}
