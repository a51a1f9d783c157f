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
)

// s3Client makes a client of the S3 that the engine is configured with, or of AWS's.
func (e *Engine) s3Client(ctx context.Context, region string) (*s3.Client, error) {
	endpoint := e.config.Services["s3"]
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if endpoint != "" { // the role of this machine is none of its business
		options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration of the engine's environment: %w", err)
	}
	if endpoint != "" {
		if _, err := c.Credentials.Retrieve(ctx); err != nil { // most emulators take any
			c.Credentials = credentials.NewStaticCredentialsProvider("local", "local", "")
		}
	}
	return s3.NewFromConfig(c, func(o *s3.Options) {
		switch {
		case endpoint != "":
			o.BaseEndpoint = &endpoint
		case o.BaseEndpoint != nil && e.answers(*o.BaseEndpoint):
			o.BaseEndpoint = nil // set for the engine's clients
		}
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
