package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/companion"
)

// kinds are the companions that there are, by service.
var kinds = map[string]companion.Kind{companion.DynamoDB.Service: companion.DynamoDB}

// openCompanions starts what is to run beside the engine.
func (e *Engine) openCompanions(ctx context.Context) error {
	for service := range e.config.Companions {
		if _, ok := kinds[service]; !ok {
			return fmt.Errorf("there is no companion %q: use %s", service, strings.Join(slices.Sorted(maps.Keys(kinds)), " or "))
		}
		if endpoint := e.config.Services[service]; endpoint != "" {
			return fmt.Errorf("%s cannot both run beside the engine and be at %s: remove --with %s, or services { %s = … }", service, endpoint, service, service)
		}
	}
	for service, image := range e.config.Companions {
		c, err := companion.Start(ctx, companion.Options{
			Kind: kinds[service], Image: image, Dir: filepath.Join(e.config.DataDir, service), Logger: e.config.Logger,
		})
		if err != nil {
			return err
		}
		e.companions = append(e.companions, c)
	}
	return nil
}

// findCompanions has the services of the companions found there.
func (e *Engine) findCompanions() {
	services := map[string]string{}
	maps.Copy(services, e.config.Services)
	for _, c := range e.companions {
		services[c.Status().Service] = c.Endpoint()
	}
	e.config.Services = services
}

func (e *Engine) closeCompanions(ctx context.Context) error {
	var errs []error
	for _, c := range e.companions {
		errs = append(errs, c.Close(ctx))
	}
	return errors.Join(errs...)
}
