package catalog

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"
)

// CodeSigning is a code signing configuration, which functions refer to by its ARN.
type CodeSigning struct {
	Scope
	Config types.CodeSigningConfig
	Tags   map[string]string
}

// CreateCodeSigning keeps a new configuration, with an id and an ARN of its own.
func (c *Catalog) CreateCodeSigning(ctx context.Context, scope Scope, config types.CodeSigningConfig, tags map[string]string) (CodeSigning, error) {
	id := "csc-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:17]
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:code-signing-config:%s", scope.Region, scope.Account, id)
	config.CodeSigningConfigId, config.CodeSigningConfigArn = &id, &arn
	made := CodeSigning{Scope: scope, Config: config, Tags: tags}
	return made, c.signing.Put(ctx, scope.signingKey(arn), made)
}

func (s Scope) signingKey(arn string) string {
	return s.Account + "." + s.Region + "." + arn[strings.LastIndexByte(arn, ':')+1:]
}

// ChangeCodeSigning changes the configuration with that ARN, atomically.
func (c *Catalog) ChangeCodeSigning(ctx context.Context, scope Scope, arn string, change func(cfg *CodeSigning)) (CodeSigning, error) {
	return c.signing.Update(ctx, scope.signingKey(arn), func(cfg *CodeSigning, exists bool) error {
		if !exists {
			return noCodeSigning(arn)
		}
		change(cfg)
		return nil
	})
}

func noCodeSigning(arn string) error {
	return NotFound("The Lambda code signing configuration %s can not be found.", arn)
}

// CodeSigning returns the configuration with that ARN.
func (c *Catalog) CodeSigning(scope Scope, arn string) (CodeSigning, error) {
	cfg, ok := c.signing.Get(scope.signingKey(arn))
	if !ok || *cfg.Config.CodeSigningConfigArn != arn {
		return CodeSigning{}, noCodeSigning(arn)
	}
	return cfg, nil
}

// CodeSignings yields the configurations of scope in the order of their ids.
func (c *Catalog) CodeSignings(scope Scope) iter.Seq2[string, CodeSigning] {
	return c.signing.Scan(scope.signingKey(""), "")
}

// DeleteCodeSigning removes a configuration that no function refers to.
func (c *Catalog) DeleteCodeSigning(ctx context.Context, scope Scope, arn string) error {
	if _, err := c.CodeSigning(scope, arn); err != nil {
		return err
	}
	for f := range c.Functions(scope, "") {
		if f.CodeSigningConfig == arn {
			return Conflict("The code signing configuration %s cannot be deleted: it is associated with the function %s.", arn, f.Name)
		}
	}
	return c.signing.Delete(ctx, scope.signingKey(arn))
}

// CheckSignature answers as AWS does when code may only be deployed signed. Code
// that reaches the engine never is: AWS Signer signs packages in S3, on AWS.
func (c *Catalog) CheckSignature(scope Scope, arn string) error {
	if arn == "" {
		return nil
	}
	cfg, err := c.CodeSigning(scope, arn)
	if err != nil {
		return &types.CodeSigningConfigNotFoundException{Message: message("The code signing configuration cannot be found. Check that the provided configuration is not deleted: %s.", []any{arn}), Type: user()}
	}
	if p := cfg.Config.CodeSigningPolicies; p != nil && p.UntrustedArtifactOnDeployment == types.CodeSigningPolicyEnforce {
		return &types.CodeVerificationFailedException{Message: message("Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for unsigned.", nil), Type: user()}
	}
	return nil
}
