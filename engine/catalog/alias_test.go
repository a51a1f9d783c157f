package catalog

import (
	"math/rand/v2"
	"testing"
)

func TestPick(t *testing.T) {
	for name, c := range map[string]struct {
		weights map[string]float64
		random  float64
		want    string
	}{
		"no weights":     {nil, 0, "1"},
		"below":          {map[string]float64{"2": 0.25}, 0.2499, "2"},
		"at":             {map[string]float64{"2": 0.25}, 0.25, "1"},
		"none":           {map[string]float64{"2": 0}, 0, "1"},
		"all":            {map[string]float64{"2": 1}, 0.999999, "2"},
		"all of nothing": {map[string]float64{"2": 1}, 0, "2"},
	} {
		a := Alias{FunctionVersion: "1", Weights: c.weights}
		if got := a.Pick(c.random); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	a, n := Alias{FunctionVersion: "1", Weights: map[string]float64{"2": 0.3}}, 0
	random := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		if a.Pick(random.Float64()) == "2" {
			n++
		}
	}
	if n < 2850 || n > 3150 {
		t.Errorf("%d of 10000 calls went to a version of the weight 0.3", n)
	}
}
