package engine

import (
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// tidyPause is how often, and after how long at least, what is not needed any more is
// deleted. Links to code packages are good for less.
const tidyPause = 15 * time.Minute

// tidy deletes the packages that deployments have replaced, until the engine stops.
func (e *Engine) tidy(packages *store.Packages) {
	tick := time.NewTicker(tidyPause)
	defer tick.Stop()
	for {
		select {
		case <-e.stopping.Done():
			return
		case <-tick.C:
		}
		if err := packages.Keep(e.stopping, e.catalog.Packages, tidyPause); err != nil && e.stopping.Err() == nil {
			e.config.Logger.Warn("delete unused code packages", "err", err)
		}
	}
}
