package metrics

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestPercentileIsWithinItsBound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	shapes := map[string]func() float64{
		"exponential": func() float64 { return random.ExpFloat64() * 37 },
		"narrow":      func() float64 { return 1000 + random.Float64() },
		"two hills":   func() float64 { return []float64{3, 900}[random.IntN(2)] * (1 + random.Float64()/10) },
		"signed":      func() float64 { return random.NormFloat64() * 50 },
	}
	for name, draw := range shapes {
		t.Run(name, func(t *testing.T) {
			parts := make([]Stats, 7) // as minutes are, which are merged
			var values []float64
			for i := range 20000 {
				v := draw()
				values = append(values, v)
				parts[i%len(parts)].Add(v, 1)
			}
			var s Stats
			for i := range parts {
				s.Merge(&parts[i])
			}
			slices.Sort(values)
			for _, p := range []float64{0, 0.1, 25, 50, 90, 95, 99, 99.9, 100} {
				want := values[max(0, int(math.Ceil(p/100*float64(len(values))-1e-6))-1)]
				got, known := s.Percentile(p)
				if !known || math.Abs(got-want) > math.Abs(want)/128 {
					t.Errorf("p%v is %v (%v), want %v within 1/128", p, got, known, want)
				}
			}
			if s.Count != 20000 || s.Min != values[0] || s.Max != values[len(values)-1] {
				t.Errorf("count, min and max are %v, %v, %v", s.Count, s.Min, s.Max)
			}
		})
	}
}

func TestStatsMerge(t *testing.T) {
	var ones, mixed Stats
	ones.Add(1, 3)
	if ones.bins != nil {
		t.Error("equal values need no histogram")
	}
	mixed.Merge(&ones)
	mixed.Add(0, 1)
	if p, ok := mixed.Percentile(50); mixed.Count != 4 || mixed.Sum != 3 || mixed.Min != 0 || p != 1 || !ok {
		t.Errorf("three ones and a zero are %+v, p50 %v", mixed, p)
	}
	if ones.Count != 3 || ones.bins != nil {
		t.Errorf("what was merged has changed: %+v", ones)
	}
	summed := Summed(10, 100, 1, 50)
	if _, known := summed.Percentile(50); known || summed.Average() != 10 {
		t.Error("nobody knows the percentiles of what was summed up")
	}
	mixed.Merge(&summed)
	if _, known := mixed.Percentile(50); known || mixed.Count != 14 || mixed.Max != 50 {
		t.Errorf("merged with it: %+v", mixed)
	}
	if p, known := new(Stats).Percentile(50); known {
		t.Errorf("of nothing p50 is %v", p)
	}
}

func TestBlockKeepsEverything(t *testing.T) {
	hour := int64(495000)
	all := map[string]*series{}
	for i, unit := range []string{"Milliseconds", "Count", "None"} {
		s := &series{id: ID{"AWS/Lambda", "Duration", unit, []Dimension{{"FunctionName", "f"}, {"Resource", "f:ü"}}}}
		for minute := range int64(60) {
			p := s.at(hour*60 + minute)
			switch i {
			case 0:
				p.Add(float64(minute)/7, 1)
				p.Add(1e6/float64(minute+1), 2.5)
				p.Add(-3, 1)
			case 1:
				p.Add(1, float64(minute+1))
			case 2:
				summed := Summed(4, 10, 1, 5)
				p.Merge(&summed)
			}
		}
		s.at(hour*60-1).Add(9, 1) // of another hour
		all[s.id.key()] = s
	}
	raw := encodeBlock(all, hour)
	decoded, err := decodeBlock(raw, hour)
	if err != nil || len(decoded) != 3 {
		t.Fatal(len(decoded), err)
	}
	for _, got := range decoded {
		want := all[got.id.key()]
		if !reflect.DeepEqual(got.points, want.points[1:]) || !reflect.DeepEqual(got.id, want.id) || got.last != want.last {
			t.Errorf("%s came back as %+v", want.id.Unit, got)
		}
	}
	for cut := range len(raw) { // no end of a block may do harm
		if cut > 1 {
			_, _ = decodeBlock(raw[:cut], hour)
		}
	}
	if _, err := decodeBlock(raw[:len(raw)-1], hour); err == nil {
		t.Error("a block that was cut off is read")
	}
	if encodeBlock(all, hour+1) != nil {
		t.Error("an hour without points has a block")
	}
}
