package sandboxtest

import (
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// libraries are what AWS's images bring, and a function's own before them (A5.3).
func (s Suite) libraries(t *testing.T) {
	const (
		boto3 = "import boto3\ndef handler(event, context): return boto3.client('lambda', region_name='eu-west-1').meta.service_model.service_name if hasattr(boto3, 'client') else boto3.says\n"
		cjs   = "const sdk = require('@aws-sdk/client-lambda');\nexports.handler = async () => sdk.says ?? sdk.LambdaClient.name;\n"
		esm   = "import * as sdk from '@aws-sdk/client-lambda';\nimport { S3Client } from '@aws-sdk/client-s3';\nexport const handler = async () => [sdk.says ?? sdk.LambdaClient.name, S3Client.name];\n"
		own   = "node_modules/@aws-sdk/client-lambda/index.js"
	)
	for _, tc := range []struct {
		name, runtime string
		files, layers map[string]string
		want          string
	}{
		{"boto3", Python().Runtime, map[string]string{"app.py": boto3}, nil, `"lambda"`},
		{"own boto3", Python().Runtime, map[string]string{"app.py": boto3, "boto3/__init__.py": "says = 'own'\n"}, nil, `"own"`},
		{"boto3 of a layer", Python().Runtime, map[string]string{"app.py": boto3}, map[string]string{"python/boto3.py": "says = 'layer'\n"}, `"layer"`},
		{"sdk", Node().Runtime, map[string]string{"app.js": cjs}, nil, `"LambdaClient"`},
		{"sdk by import", Node().Runtime, map[string]string{"app.mjs": esm}, nil, `["LambdaClient","S3Client"]`},
		{"own sdk", Node().Runtime, map[string]string{"app.js": cjs, own: "exports.says = 'own';"}, nil, `"own"`},
		{"own sdk by import", Node().Runtime, map[string]string{"app.mjs": esm, own: "exports.says = 'own';"}, nil, `["own","S3Client"]`},
		{"sdk of a layer", Node().Runtime, map[string]string{"app.js": cjs}, map[string]string{"nodejs/" + own: "exports.says = 'layer';"}, `"layer"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := Function{Name: "libraries", Runtime: tc.runtime, Handler: "app.handler", Dir: directory(t, tc.files)}
			s.start(t, f, func(spec *sandbox.Spec) {
				if tc.layers != nil {
					spec.LayersDir = directory(t, tc.layers)
				}
			}).want(`{}`, tc.want)
		})
	}
}
