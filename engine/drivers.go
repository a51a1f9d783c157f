package engine

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/process"
)

// openDriver opens the driver that the configuration names. auto is Docker when a
// daemon answers that can run functions, and the process driver otherwise; the log
// says why.
func openDriver(ctx context.Context, c Config) (sandbox.Driver, error) {
	containers := docker.Options{
		Dir:     filepath.Join(c.DataDir, "environments"),
		Logger:  c.Logger,
		Images:  c.Images,
		Network: c.Network,
	}
	switch c.Driver {
	case "docker":
		return docker.New(ctx, containers)
	case "process":
		return process.New(process.Options{Dir: containers.Dir, Logger: c.Logger, Commands: c.Commands})
	case "", "auto":
		if err := docker.Available(ctx, containers); err != nil {
			c.Logger.Info("functions run as plain processes, without isolation: Docker cannot be used", "reason", err)
			c.Driver = "process"
		} else {
			c.Driver = "docker"
		}
		return openDriver(ctx, c)
	}
	return nil, fmt.Errorf("unknown driver %q: use docker, process or auto", c.Driver)
}
