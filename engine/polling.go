package engine

import (
	"context"
	"encoding/hex"
	"path/filepath"

	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources"
)

// openSources makes what polls the sources of mappings.
func (e *Engine) openSources(ctx context.Context, send func(context.Context, destination.Message) error) (*sources.Manager, error) {
	// What the engines of a cluster know this one by. It is the data directory's for good,
	// so that a restarted engine goes on where it was killed.
	name, err := secret(filepath.Join(e.config.DataDir, "engine.id"))
	if err != nil {
		return nil, err
	}
	o := sources.Options{
		Engine: hex.EncodeToString(name[:8]), Catalog: e.catalog, Invoker: e.invoker, Store: e.store, Metrics: e.metrics,
		Route: e.route, Services: e.config.Services, Send: send, Role: e.rolePolicy, Clock: e.config.Clock, Log: e.config.Logger,
	}
	if e.config.Services["kinesis"] == "" {
		o.Watch = func(arn string) (<-chan struct{}, func(), error) { return e.streams.Watch(arn) }
	}
	return sources.New(ctx, o)
}
