package engine

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// route finds a service of AWS for the engine's own calls: where the engine is
// configured to find it, or in the engine itself if that serves it, or at AWS.
func (e *Engine) route(ctx context.Context, service string, scope catalog.Scope) (destination.Route, error) {
	endpoint := e.config.Services[service]
	if endpoint == "" && e.services != nil && e.services.Serves(service) {
		return destination.Route{Endpoint: func(*string) *string { return aws.String(e.URL()) }, Config: aws.Config{
			Region:      scope.Region,
			Credentials: credentials.NewStaticCredentialsProvider(scope.Account, "local", ""),
			HTTPClient:  inside{e.services.Inside(wire.Root(scope.Account))},
		}}, nil
	}
	c, err := e.outside.config(ctx, scope.Region, endpoint != "")
	if err != nil {
		return destination.Route{}, err
	}
	if endpoint != "" && (service == "dynamodb" || c.Credentials == nil) {
		// Which account asks is all that matters. DynamoDB Local has tables by access key,
		// of letters and digits, and other emulators take 12 digits for an account.
		c.Credentials = credentials.NewStaticCredentialsProvider(scope.Account, "local", "")
	}
	return destination.Route{Config: c, Endpoint: func(configured *string) *string {
		switch {
		case endpoint != "":
			return &endpoint
		case configured != nil && e.answers(*configured):
			return nil // set for the engine's clients
		}
		return configured
	}}, nil
}

// outside is the configuration of the engine's calls to other services. It is read once:
// each reading would have connections, and perhaps certificates, of its own.
type outside struct {
	mu      sync.Mutex
	configs map[outsideKey]aws.Config
}

type outsideKey struct {
	region   string
	emulator bool // rather than AWS
}

// config has no credentials for an emulator if the environment has none.
func (o *outside) config(ctx context.Context, region string, emulator bool) (aws.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := outsideKey{region, emulator}
	if c, ok := o.configs[key]; ok {
		return c, nil
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if emulator { // the role of this machine is none of its business
		options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return c, fmt.Errorf("read the AWS configuration of the engine's environment: %w", err)
	}
	if emulator {
		if _, err := c.Credentials.Retrieve(ctx); err != nil { // most take any
			c.Credentials = nil
		}
	}
	if client, ok := c.HTTPClient.(*awshttp.BuildableClient); ok || c.HTTPClient == nil {
		if client == nil {
			client = awshttp.NewBuildableClient()
		}
		c.HTTPClient = client.Freeze() // which clients share instead of building their own
	}
	if o.configs == nil {
		o.configs = map[outsideKey]aws.Config{}
	}
	o.configs[key] = c
	return c, nil
}

// s3Client makes a client of the S3 that the engine is configured with, or of AWS's.
func (e *Engine) s3Client(ctx context.Context, region string) (*s3.Client, error) {
	r, err := e.route(ctx, "s3", catalog.Scope{Account: e.config.Account, Region: region})
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(r.Config, func(o *s3.Options) {
		o.BaseEndpoint = r.Endpoint(o.BaseEndpoint)
		o.UsePathStyle = o.BaseEndpoint != nil
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}), nil
}

// answers tells whether an endpoint is this very engine.
func (e *Engine) answers(endpoint string) bool {
	u, err := url.Parse(endpoint)
	own, ok := e.listener.Addr().(*net.TCPAddr)
	if err != nil || !ok || u.Port() != strconv.Itoa(own.Port) {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip.IsLoopback() || ip.Equal(own.IP)
}
