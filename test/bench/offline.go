package main

import (
	"context"
	"os"
	"path/filepath"
)

func noOffline(o options) string {
	return installed(o, "offline/node_modules/serverless-offline", "npm packages serverless and serverless-offline")
}

// startOffline runs serverless-offline and calls it at its Lambda endpoint.
func startOffline(ctx context.Context, o options, p pkg) (*service, error) {
	dir, err := os.MkdirTemp(p.dir, "offline-")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(p.dir, "code"))); err != nil {
		return nil, err
	}
	if err := os.Symlink(filepath.Join(o.cache, "offline/node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		return nil, err
	}
	configuration := `service: bench
frameworkVersion: "3"
provider: {name: aws, runtime: nodejs20.x, memorySize: 1769, timeout: 60}
functions:
  echo: {handler: index.handler}
plugins: [serverless-offline]
`
	if err := os.WriteFile(filepath.Join(dir, "serverless.yml"), []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	s, err := server(ctx, dir, "4595", []string{"SLS_TELEMETRY_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off", "SLS_INTERACTIVE_SETUP_ENABLE=0"},
		"node", "node_modules/serverless/bin/serverless.js", "offline", "start", "--host", "127.0.0.1", "--lambdaPort", "4595", "--httpPort", "4594")
	if err != nil {
		return nil, err
	}
	s.url = "http://127.0.0.1:4595/2015-03-31/functions/bench-dev-echo/invocations"
	return s, nil
}
