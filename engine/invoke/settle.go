package invoke

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Settle completes a creation or update: it gets the code ready to run and then
// says so in the catalog. It returns when that is done, so that whoever asked for
// the change finds it complete as soon as they have their answer, unless there is a
// SettleDelay: then it returns at once. What a dying engine leaves, the next settles.
func (i *Invoker) Settle(f catalog.Function) {
	i.mu.Lock()
	if i.closed {
		i.mu.Unlock()
		return
	}
	done := make(chan struct{})
	i.tasks.Go(func() {
		defer close(done)
		i.settle(f)
	})
	i.mu.Unlock()
	if i.SettleDelay == 0 {
		<-done
	}
}

func (i *Invoker) settle(f catalog.Function) {
	delay := time.NewTimer(i.SettleDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-i.ctx.Done():
		return
	}
	var failure error
	if release, err := i.Code.ready(i.ctx, f.Latest); err != nil {
		failure = fmt.Errorf("the code could not be made ready: %w", serviceError(err))
	} else {
		release()
	}
	if i.ctx.Err() != nil {
		return
	}
	_, err := i.Catalog.Change(i.ctx, f.Ref(), func(now *catalog.Function) error {
		if now.Settled() || now.Latest.Generation != f.Latest.Generation {
			return errSettled
		}
		now.Settle(failure)
		return nil
	})
	var gone *types.ResourceNotFoundException
	if err != nil && !errors.Is(err, errSettled) && !errors.As(err, &gone) && i.ctx.Err() == nil {
		i.Log.Error("complete an update", "function", f.Name, "err", err)
	}
}

// errSettled says that there is nothing left to do.
var errSettled = errors.New("settled already")
