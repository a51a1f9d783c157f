package provider

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
	"github.com/lambdaform/terraform-provider-lambda/provider/target"
)

// engineModel is the engine block.
type engineModel struct {
	Endpoint  types.String `tfsdk:"endpoint"`
	DataDir   types.String `tfsdk:"data_dir"`
	Autostart types.Bool   `tfsdk:"autostart"`
}

// local connects to the engine, starting it if that is wanted and needed.
func (p *lambdaProvider) local(ctx context.Context, m model, cfg target.Config) (*target.Connection, error) {
	var e engineModel
	if len(m.Engine) > 0 {
		e = m.Engine[0]
	}
	o := daemon.Options{Endpoint: e.Endpoint.ValueString(), DataDir: e.DataDir.ValueString(), Version: p.version}
	if o.Endpoint == "" {
		o.Endpoint = os.Getenv("LAMBDA_ENGINE_ENDPOINT")
	}
	if o.Endpoint == "" {
		o.Endpoint = daemon.DefaultEndpoint
	}
	get := daemon.Ensure
	if !e.Autostart.IsNull() && !e.Autostart.ValueBool() {
		get = daemon.Find
	}
	health, err := get(ctx, o)
	if err != nil {
		return nil, err
	}
	if cfg.AccessKey == "" {
		key, err := health.Key()
		if err != nil {
			return nil, fmt.Errorf("%w; or set access_key and secret_key", err)
		}
		if key != nil {
			cfg.AccessKey, cfg.SecretKey = key.AccessKeyID, key.SecretAccessKey
		}
	}
	return target.Local(cfg, o.Endpoint), nil
}

// sentence turns an error's text into one that starts and ends as a sentence.
func sentence(err error) string {
	s := err.Error()
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.Contains(s, "\n") || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}
