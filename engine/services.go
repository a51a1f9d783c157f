package engine

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	options := []func(*config.LoadOptions) error{config.WithRegion(scope.Region)}
	if endpoint != "" { // the role of this machine is none of its business
		options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return destination.Route{}, fmt.Errorf("read the AWS configuration of the engine's environment: %w", err)
	}
	if endpoint != "" {
		if _, err := c.Credentials.Retrieve(ctx); err != nil { // most emulators take any
			c.Credentials = credentials.NewStaticCredentialsProvider("local", "local", "")
		}
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
