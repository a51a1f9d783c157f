package target

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Config is what a provider block says of its target. The zero values mean
// what they mean to AWS's own tools.
type Config struct {
	Region                   string
	Profile                  string
	AccessKey                string
	SecretKey                string
	Token                    string
	SharedConfigFiles        []string
	SharedCredentialsFiles   []string
	MaxRetries               int // 0 means the default, 25
	RetryMode                string
	LambdaEndpoint           string
	STSEndpoint              string
	CustomCABundle           string
	Insecure                 bool
	UseFIPS                  bool
	UseDualStack             bool
	SkipCredentialValidation bool
	SkipMetadataAPICheck     bool
	AssumeRole               *AssumeRole
	WebIdentity              *WebIdentity
	AllowedAccountIDs        []string
	ForbiddenAccountIDs      []string
	UserAgent                string
}

// AssumeRole is a role to take on before anything else.
type AssumeRole struct {
	RoleARN, SessionName, ExternalID, Policy, SourceIdentity string
	PolicyARNs                                               []string
	Tags                                                     map[string]string
	TransitiveTagKeys                                        []string
	Duration                                                 time.Duration
}

// WebIdentity is a role to take on with a token of an identity provider.
type WebIdentity struct {
	RoleARN, SessionName, Policy, Token, TokenFile string
	PolicyARNs                                     []string
	Duration                                       time.Duration
}

const (
	localRegion       = "us-east-1"
	localKey          = "test" // the engine takes any credentials
	localPollMax      = 250 * time.Millisecond
	localRetries      = 4
	defaultMaxRetries = 25
	sessionName       = "terraform-provider-lambda"
)

// Local connects to an engine. It reads no configuration of AWS's tools, so
// that no call meant for the engine can reach AWS.
func Local(c Config, endpoint string) *Connection {
	cfg := aws.Config{
		Region:       first(c.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), localRegion),
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(first(c.AccessKey, localKey), first(c.SecretKey, localKey), c.Token),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.Proxy = nil // it is on this machine, or where the user said
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = first(c.MaxRetries, localRetries) })
		},
	}
	conn := New(cfg, userAgent(c))
	conn.PollMax = localPollMax
	conn.local = true
	return conn
}

// AWS connects to AWS, or to what the configured endpoints name instead.
func AWS(ctx context.Context, c Config) (*Connection, error) {
	cfg, err := load(ctx, c)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("no region: set region in the provider block, or AWS_REGION")
	}
	assumeRole(&cfg, c)
	if !c.SkipCredentialValidation {
		if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
			return nil, fmt.Errorf("no valid credentials for AWS: %w\n\nSet profile, or access_key and secret_key, or AWS's usual environment variables; or set target = \"local\" to use the engine on this machine, which needs none", err)
		}
	}
	if err := checkAccount(ctx, cfg, c); err != nil {
		return nil, err
	}
	return New(cfg, userAgent(c), func(o *lambda.Options) {
		if c.LambdaEndpoint != "" {
			o.BaseEndpoint = &c.LambdaEndpoint
		}
	}), nil
}

// load reads the configuration that AWS's tools share, and puts c over it.
func load(ctx context.Context, c Config) (aws.Config, error) {
	client := awshttp.NewBuildableClient()
	if c.Insecure {
		client = client.WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.InsecureSkipVerify = true })
	}
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithRetryMaxAttempts(first(c.MaxRetries, defaultMaxRetries)),
	}
	add := func(set bool, option func(*config.LoadOptions) error) {
		if set {
			options = append(options, option)
		}
	}
	add(c.Region != "", config.WithRegion(c.Region))
	add(c.Profile != "", config.WithSharedConfigProfile(c.Profile))
	add(len(c.SharedConfigFiles) > 0, config.WithSharedConfigFiles(c.SharedConfigFiles))
	add(len(c.SharedCredentialsFiles) > 0, config.WithSharedCredentialsFiles(c.SharedCredentialsFiles))
	add(c.AccessKey != "", config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, c.Token)))
	add(c.RetryMode != "", config.WithRetryMode(aws.RetryMode(c.RetryMode)))
	add(c.UseFIPS, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	add(c.UseDualStack, config.WithUseDualStackEndpoint(aws.DualStackEndpointStateEnabled))
	add(c.SkipMetadataAPICheck, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	if c.CustomCABundle != "" {
		bundle, err := os.ReadFile(c.CustomCABundle)
		if err != nil {
			return aws.Config{}, fmt.Errorf("reading custom_ca_bundle: %w", err)
		}
		options = append(options, config.WithCustomCABundle(bytes.NewReader(bundle)))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return cfg, nil
}

// assumeRole puts the credentials of a configured role into cfg.
func assumeRole(cfg *aws.Config, c Config) {
	if w := c.WebIdentity; w != nil {
		client := stsClient(*cfg, c)
		var token stscreds.IdentityTokenRetriever = stscreds.IdentityTokenFile(w.TokenFile)
		if w.Token != "" {
			token = staticToken(w.Token)
		}
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(client, w.RoleARN, token, func(o *stscreds.WebIdentityRoleOptions) {
			o.RoleSessionName, o.Duration = first(w.SessionName, sessionName), w.Duration
			if w.Policy != "" {
				o.Policy = &w.Policy
			}
			o.PolicyARNs = policyARNs(w.PolicyARNs)
		}))
	}
	if r := c.AssumeRole; r != nil {
		// Made anew, as it signs with the web identity's credentials if there are any.
		client := stsClient(*cfg, c)
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, r.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = first(r.SessionName, sessionName)
			if r.Duration > 0 {
				o.Duration = r.Duration
			}
			o.ExternalID, o.Policy, o.SourceIdentity = optional(r.ExternalID), optional(r.Policy), optional(r.SourceIdentity)
			o.PolicyARNs, o.Tags, o.TransitiveTagKeys = policyARNs(r.PolicyARNs), sessionTags(r.Tags), r.TransitiveTagKeys
		}))
	}
}

// checkAccount keeps a configuration from being applied to the wrong account.
func checkAccount(ctx context.Context, cfg aws.Config, c Config) error {
	if len(c.AllowedAccountIDs) == 0 && len(c.ForbiddenAccountIDs) == 0 {
		return nil
	}
	out, err := stsClient(cfg, c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("asking which account the credentials belong to: %w", err)
	}
	account := aws.ToString(out.Account)
	if slices.Contains(c.ForbiddenAccountIDs, account) || (len(c.AllowedAccountIDs) > 0 && !slices.Contains(c.AllowedAccountIDs, account)) {
		return fmt.Errorf("the credentials belong to account %s, which this configuration does not allow", account)
	}
	return nil
}

func stsClient(cfg aws.Config, c Config) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		if c.STSEndpoint != "" {
			o.BaseEndpoint = &c.STSEndpoint
		}
	})
}

func userAgent(c Config) func(*lambda.Options) {
	return func(o *lambda.Options) { o.AppID = first(o.AppID, c.UserAgent) }
}

// staticToken is a web identity token that is given, not read from a file.
type staticToken string

// GetIdentityToken returns the token.
func (t staticToken) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

// first returns the first value that is not the zero value.
func first[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
