package engine

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Run runs an engine until ctx ends, and calls serving once it serves. An engine whose
// disk is so full that its store breaks is replaced by another one, as soon as there is
// room: nothing that was acknowledged is lost.
func Run(ctx context.Context, c Config, serving func(*Engine)) error {
	c = c.withDefaults()
	for {
		e, err := Start(ctx, c)
		if err != nil {
			return err
		}
		serving(e)
		failed := make(chan error, 1)
		go func() { failed <- e.Wait() }()
		select {
		case <-ctx.Done():
			c.Logger.Info("engine stops")
		case err = <-failed:
		}
		err = errors.Join(err, e.Close())
		if !errors.Is(err, store.ErrBroken) {
			return err
		}
		c.Logger.Error("the disk is full: the engine starts again as soon as it has room", "err", err)
		if err := store.AwaitRoom(ctx, filepath.Join(c.DataDir, "jetstream")); err != nil {
			return err
		}
	}
}
