package cloudwatch

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
)

const (
	listPage = 500
	// recent is what RecentlyActive means.
	recent = 3 * time.Hour
)

// ListMetrics lists metrics that have had data in the last two weeks.
func (s *Service) ListMetrics(ctx context.Context, in *cloudwatch.ListMetricsInput) (*cloudwatch.ListMetricsOutput, error) {
	all, err := s.Metrics.List(ctx, scope(ctx), func(id metrics.ID) bool { return listed(in, id) })
	if err != nil {
		return nil, err
	}
	since := s.Now().Add(-metrics.Retention)
	if in.RecentlyActive != "" {
		since = s.Now().Add(-recent)
	}
	found := []types.Metric{}
	for _, l := range all {
		if l.Last.Before(since.Truncate(time.Minute)) {
			continue
		}
		m := metricOf(l.ID)
		if n := len(found); n == 0 || !same(found[n-1], m) { // units do not make metrics
			found = append(found, m)
		}
	}
	part, next, err := page(found, in.NextToken, listPage)
	return &cloudwatch.ListMetricsOutput{Metrics: part, NextToken: next}, err
}

func listed(in *cloudwatch.ListMetricsInput, id metrics.ID) bool {
	if in.Namespace != nil && *in.Namespace != id.Namespace || in.MetricName != nil && *in.MetricName != id.Name {
		return false
	}
	for _, filter := range in.Dimensions {
		if !slices.ContainsFunc(id.Dimensions, func(d metrics.Dimension) bool {
			return d.Name == aws.ToString(filter.Name) && (filter.Value == nil || *filter.Value == d.Value)
		}) {
			return false
		}
	}
	return true
}

func metricOf(id metrics.ID) types.Metric {
	m := types.Metric{Namespace: &id.Namespace, MetricName: &id.Name, Dimensions: []types.Dimension{}}
	for _, d := range id.Dimensions {
		m.Dimensions = append(m.Dimensions, types.Dimension{Name: &d.Name, Value: &d.Value})
	}
	return m
}

func same(a, b types.Metric) bool {
	return *a.Namespace == *b.Namespace && *a.MetricName == *b.MetricName &&
		slices.EqualFunc(a.Dimensions, b.Dimensions, func(x, y types.Dimension) bool { return *x.Name == *y.Name && *x.Value == *y.Value })
}
