package invoke

import (
	"cmp"
	"slices"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Environments are those of one version.
type Environments struct {
	Ref         catalog.Ref `json:"-"`
	Function    string      `json:"function"` // ARN
	Version     string      `json:"version"`
	Total       int         `json:"total"`
	Idle        int         `json:"idle"`
	Booting     int         `json:"booting"`     // calls that wait for one
	Provisioned int         `json:"provisioned"` // of the total, those that are kept ready
}

// Environments lists the versions that have environments now.
func (i *Invoker) Environments() []Environments {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []Environments
	for _, f := range i.fleets {
		if e := f.environments(); e.Total+e.Booting > 0 {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Environments) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Version, b.Version))
	})
	return all
}

func (f *fleet) environments() Environments {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Environments{
		Ref: f.function.Ref(), Function: f.function.Ref().ARN(), Version: *f.version.Config.Version,
		Total: int(f.live.Load()), Idle: len(f.idle), Booting: len(f.waiting), Provisioned: f.keep.ready,
	}
}
