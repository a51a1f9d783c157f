package query

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func TestExpression(t *testing.T) {
	results := map[string]values{
		"m1":      {at: map[int64]float64{0: 2, 60: 4, 120: 9}},
		"m2":      {at: map[int64]float64{0: 1, 60: 0}},
		"nothing": {at: map[int64]float64{}},
	}
	results[allMetrics] = values{list: []values{results["m1"], results["m2"]}}
	tests := map[string]map[int64]float64{
		"m1":                   {0: 2, 60: 4, 120: 9},
		"m1 + m2":              {0: 3, 60: 4}, // where both have a value
		"100 * m2 / m1":        {0: 50, 60: 0},
		"m1/m2":                {0: 2}, // nothing divides by zero
		"-m1 + 2*(m1-1)":       {0: 0, 60: 2, 120: 7},
		"SUM([m1, m2])":        {0: 3, 60: 4, 120: 9},
		"AVG([m1, m2])":        {0: 1.5, 60: 2, 120: 9},
		"MAX(METRICS())":       {0: 2, 60: 4, 120: 9},
		"MIN([m1,m2]) * 1e1":   {0: 10, 60: 0, 120: 90},
		"m1 / SUM(m1)":         {0: 2. / 15, 60: 4. / 15, 120: 9. / 15},
		"nothing + SUM([m2])":  {},
		"m1 - m1 - 2 * m2 / 1": {0: -2, 60: 0},
	}
	for text, want := range tests {
		e, err := parseExpression(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := e.tree(results)
		if err != nil || !maps.Equal(got.at, want) {
			t.Errorf("%s is %v, %v, want %v", text, got.at, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                        "ends too early",
		"m1 +":                    "ends too early",
		"(m1":                     `expected ")"`,
		"m1 m2":                   `unexpected "m2"`,
		"m1 & 1":                  `unexpected "& 1"`,
		"SEARCH(m1)":              "no function SEARCH",
		"Nope":                    `unexpected "Nope"`,
		"SUM([m1)":                `expected "]"`,
		"FILL(m1, 0)":             "no function FILL",
		strings.Repeat("(", 1000): "nested too deeply",
	} {
		if _, err := parseExpression(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v, want %s", text, err, want)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("100 * m2 / SUM([m1, -(m2)])")
	f.Add("MAX(METRICS())")
	f.Fuzz(func(_ *testing.T, text string) {
		if e, err := parseExpression(text); err == nil {
			_, _ = e.tree(map[string]values{"m1": {at: map[int64]float64{0: 1}}, allMetrics: {list: []values{}}})
		}
	})
}

func stat(id string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Errors")}, Period: aws.Int32(60), Stat: aws.String("Sum"),
	}}
}

func formula(id, text string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &text}
}

func TestCheck(t *testing.T) {
	late := stat("b")
	late.MetricStat.Period = aws.Int32(300)
	s, err := Check([]types.MetricDataQuery{formula("e2", "e1*2"), formula("e1", "a+b"), stat("a"), late})
	if err != nil || s.Period() != 5*time.Minute || s.periods["e2"] != 5*time.Minute {
		t.Errorf("%+v, %v", s, err)
	}
	seconds, odd := stat("a"), stat("a")
	seconds.MetricStat.Period = aws.Int32(10)
	odd.MetricStat.Stat = aws.String("tm99")
	for want, queries := range map[string][]types.MetricDataQuery{
		"not unique":        {stat("a"), stat("a")},
		"depends on itself": {formula("a", "b"), formula("b", "a")},
		"c is not the id":   {formula("a", "c")},
		"either MetricStat": {{Id: aws.String("a")}},
		"multiple of 60":    {seconds},
		"tm99":              {odd},
		"expression 'a'":    {formula("a", "1+")},
	} {
		if _, err := Check(queries); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
