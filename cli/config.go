package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/hcl/v2/hclsimple"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// settings is the engine's configuration file. Flags have the same names and win.
type settings struct {
	Listen   string            `hcl:"listen,optional"`
	DataDir  string            `hcl:"data_dir,optional"` // relative to the file
	Driver   string            `hcl:"driver,optional"`
	Account  string            `hcl:"account_id,optional"`
	Region   string            `hcl:"region,optional"`
	Network  string            `hcl:"network,optional"`
	Delay    string            `hcl:"update_delay,optional"` // such as 2s
	Grace    string            `hcl:"stop_grace,optional"`   // such as 30s
	Cache    int64             `hcl:"code_cache,optional"`   // bytes
	Speed    float64           `hcl:"clock_speed,optional"`  // of retries and the like
	Runtimes []runtimeSettings `hcl:"runtime,block"`
	Limits   *limitSettings    `hcl:"limits,block"`
	Services *serviceSettings  `hcl:"services,block"`

	With     []string           `hcl:"with,optional"` // companions
	DynamoDB *companionSettings `hcl:"dynamodb,block"`

	Authentication string               `hcl:"authentication,optional"`
	Credentials    []credentialSettings `hcl:"credentials,block"`
	Roles          []roleSettings       `hcl:"role,block"`
}

// roleSettings say what an execution role may do. Roles without any may do everything.
type roleSettings struct {
	Name       string `hcl:"name,label"`           // or ARN
	Policy     string `hcl:"policy,optional"`      // a document
	PolicyFile string `hcl:"policy_file,optional"` // relative to the file
}

// credentialSettings say who an access key is.
type credentialSettings struct {
	AccessKey        string `hcl:"access_key,label"`
	SecretKey        string `hcl:"secret_key,optional"`
	Account          string `hcl:"account_id,optional"`
	Principal        string `hcl:"principal,optional"`
	Organization     string `hcl:"organization,optional"`
	Service          string `hcl:"service,optional"`
	SourceARN        string `hcl:"source_arn,optional"`
	SourceAccount    string `hcl:"source_account,optional"`
	EventSourceToken string `hcl:"event_source_token,optional"`
}

// runtimeSettings say what runs a runtime: an image with the docker driver, a
// command with the process driver.
type runtimeSettings struct {
	Name    string   `hcl:"name,label"`
	Image   string   `hcl:"image,optional"`
	Command []string `hcl:"command,optional"`
}

// serviceSettings are endpoints of services that the engine uses instead of AWS's or
// its own, and forwards requests to.
type serviceSettings struct {
	S3       string `hcl:"s3,optional"`
	SQS      string `hcl:"sqs,optional"`
	SNS      string `hcl:"sns,optional"`
	Events   string `hcl:"events,optional"`
	Kinesis  string `hcl:"kinesis,optional"`
	DynamoDB string `hcl:"dynamodb,optional"` // and its streams
}

// endpoints returns those that are set, by name.
func (s *serviceSettings) endpoints() (map[string]string, error) {
	if s == nil {
		return nil, nil
	}
	set := map[string]string{}
	for name, endpoint := range map[string]string{
		"s3": s.S3, "sqs": s.SQS, "sns": s.SNS, "events": s.Events, "kinesis": s.Kinesis, "dynamodb": s.DynamoDB,
	} {
		if endpoint == "" {
			continue
		}
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" {
			return nil, fmt.Errorf("services: %s = %q is not a URL: use one such as http://127.0.0.1:9000", name, endpoint)
		}
		set[name] = endpoint
	}
	return set, nil
}

// companionSettings say what runs beside the engine when with or --with asks for it.
type companionSettings struct {
	Image string `hcl:"image,optional"`
}

// companions returns those that are asked for, with their images.
func (s *settings) companions(with []string) map[string]string {
	images := map[string]string{}
	for _, name := range with {
		images[name] = ""
		if name == "dynamodb" && s.DynamoDB != nil {
			images[name] = s.DynamoDB.Image
		}
	}
	return images
}

// limitSettings names a set of limits and changes some of it, as AWS does for an
// account on request.
type limitSettings struct {
	Preset               string `hcl:"preset,optional"`
	ConcurrentExecutions int    `hcl:"concurrent_executions,optional"`
	TotalCodeSize        int64  `hcl:"total_code_size,optional"` // bytes
}

// loadConfig reads the configuration file, if there is one, and lays the flags over it.
func loadConfig(path string, flags settings) (engine.Config, error) {
	var file settings
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return engine.Config{}, fmt.Errorf("read configuration: %w", err)
		}
		if err := hclsimple.DecodeFile(path, nil, &file); err != nil {
			return engine.Config{}, fmt.Errorf("read configuration: %w", err)
		}
		if file.DataDir != "" && !filepath.IsAbs(file.DataDir) {
			file.DataDir = filepath.Join(filepath.Dir(path), file.DataDir)
		}
	}
	c := engine.Config{
		Listen:  first(flags.Listen, file.Listen),
		DataDir: first(flags.DataDir, file.DataDir),
		Driver:  first(flags.Driver, file.Driver, os.Getenv("LAMBDA_ENGINE_DRIVER"), "auto"),
		Account: file.Account,
		Region:  file.Region,
		Network: file.Network,
		Images:  map[string]string{},

		Commands: map[string][]string{},

		CodeCache: file.Cache,

		Authentication: first(flags.Authentication, file.Authentication),
		Credentials:    map[string]wire.Credential{},
	}
	var err error
	for _, k := range file.Credentials {
		if _, twice := c.Credentials[k.AccessKey]; twice {
			return c, fmt.Errorf("%s: credentials %q: an access key has one block only", path, k.AccessKey)
		}
		c.Credentials[k.AccessKey] = wire.Credential{SecretKey: k.SecretKey, Identity: wire.Identity{
			Account: k.Account, Principal: k.Principal, Organization: k.Organization,
			Service: k.Service, SourceARN: k.SourceARN, SourceAccount: k.SourceAccount, EventSourceToken: k.EventSourceToken,
		}}
	}
	for _, r := range file.Runtimes {
		if r.Image == "" && len(r.Command) == 0 {
			return c, fmt.Errorf("%s: runtime %q: set image, which the docker driver runs, or command, which the process driver runs, such as [\"python3\", \"-m\", \"awslambdaric\"]", path, r.Name)
		}
		if r.Image != "" {
			c.Images[r.Name] = r.Image
		}
		if len(r.Command) > 0 {
			c.Commands[r.Name] = r.Command
		}
	}
	if c.Roles, err = roles(path, file.Roles); err != nil {
		return c, err
	}
	if file.Cache < 0 {
		return c, fmt.Errorf("%s: code_cache = %d cannot be negative: give a number of bytes, such as 2e9", path, file.Cache)
	}
	if file.Speed < 0 {
		return c, fmt.Errorf("%s: clock_speed = %g cannot be negative: give how many times as fast time passes, such as 60", path, file.Speed)
	}
	if file.Speed > 0 {
		c.Clock = clock.Scaled(file.Speed)
	}
	if c.Services, err = file.Services.endpoints(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if len(flags.With) == 0 {
		flags.With = file.With
	}
	c.Companions = file.companions(flags.With)
	if file.Delay != "" {
		if c.UpdateDelay, err = time.ParseDuration(file.Delay); err != nil {
			return c, fmt.Errorf("%s: update_delay: %w. Use a duration such as 2s", path, err)
		}
	}
	if file.Grace != "" {
		if c.Grace, err = time.ParseDuration(file.Grace); err != nil || c.Grace <= 0 {
			return c, fmt.Errorf("%s: stop_grace = %q is not a duration above zero. Use one such as 30s", path, file.Grace)
		}
	}
	if c.Limits, err = limits(file.Limits); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if c.DataDir == "" {
		dir, err := daemon.DefaultDataDir()
		if err != nil {
			return c, err
		}
		c.DataDir = dir
	}
	return c, nil
}

// roles reads what the roles may do.
func roles(path string, settings []roleSettings) (map[string]*catalog.RolePolicy, error) {
	policies := map[string]*catalog.RolePolicy{}
	for _, r := range settings {
		if _, twice := policies[r.Name]; twice {
			return nil, fmt.Errorf("%s: role %q: a role has one block only", path, r.Name)
		}
		if (r.Policy == "") == (r.PolicyFile == "") {
			return nil, fmt.Errorf("%s: role %q: set policy, a document, or policy_file, where one is", path, r.Name)
		}
		document := r.Policy
		if r.PolicyFile != "" {
			if !filepath.IsAbs(r.PolicyFile) {
				r.PolicyFile = filepath.Join(filepath.Dir(path), r.PolicyFile)
			}
			raw, err := os.ReadFile(r.PolicyFile)
			if err != nil {
				return nil, fmt.Errorf("%s: role %q: %w", path, r.Name, err)
			}
			document = string(raw)
		}
		policy, err := catalog.ParseRolePolicy(document)
		if err != nil {
			return nil, fmt.Errorf("%s: role %q: %w", path, r.Name, err)
		}
		policies[r.Name] = policy
	}
	return policies, nil
}

func limits(s *limitSettings) (catalog.Limits, error) {
	l := catalog.Today()
	if s == nil {
		return l, nil
	}
	switch s.Preset {
	case "2016":
		l = catalog.Guide2016()
	case "", "today":
	default:
		return l, fmt.Errorf("limits: unknown preset %q: use today or 2016", s.Preset)
	}
	if s.ConcurrentExecutions < 0 || s.TotalCodeSize < 0 {
		return l, errors.New("limits: concurrent_executions and total_code_size cannot be negative: remove them for AWS's own")
	}
	if s.ConcurrentExecutions > 0 {
		l.Concurrency = s.ConcurrentExecutions
	}
	if s.TotalCodeSize > 0 {
		l.CodeBytes = s.TotalCodeSize
	}
	return l, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
