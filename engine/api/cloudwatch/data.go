package cloudwatch

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/query"
)

// Limits of GetMetricData.
const (
	maxQueries       = 500
	maxDataPerAnswer = 100800
)

// GetMetricData answers several queries at once, formulas among them. Periods begin at
// multiples of themselves, so StartTime is taken down to one.
func (s *Service) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
	if len(in.MetricDataQueries) > maxQueries {
		return nil, invalid("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	if !in.StartTime.Before(*in.EndTime) {
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	set, err := query.Check(in.MetricDataQueries)
	if err != nil {
		return nil, checked(err)
	}
	if in.EndTime.Sub(*in.StartTime)/set.Period() > maxDataPerAnswer {
		return nil, invalid("The time range has more than %d periods: shorten it, or use a longer Period.", maxDataPerAnswer)
	}
	results, err := set.Evaluate(ctx, s.Metrics, scope(ctx), *in.StartTime, *in.EndTime)
	if err != nil {
		return nil, checked(err)
	}
	results = slices.DeleteFunc(results, func(r query.Result) bool { return !r.Returned })
	limit := int(aws.ToInt32(in.MaxDatapoints))
	if limit <= 0 || limit > maxDataPerAnswer {
		limit = maxDataPerAnswer
	}
	skip, err := position(in.NextToken)
	if err != nil {
		return nil, err
	}
	done, remaining := skip, 0
	out := &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{}, Messages: []types.MessageData{}}
	for i := range results {
		r := &results[i]
		if in.ScanBy != types.ScanByTimestampAscending { // newest first by default
			slices.Reverse(r.Times)
			slices.Reverse(r.Values)
		}
		total := len(r.Values)
		from := min(skip, total)
		to := min(from+limit, total)
		skip -= from
		limit -= to - from
		done += to - from
		one := types.MetricDataResult{
			Id: &r.ID, Label: &r.Label, StatusCode: types.StatusCodeComplete,
			Timestamps: append([]time.Time{}, r.Times[from:to]...), Values: append([]float64{}, r.Values[from:to]...),
		}
		if to < total {
			one.StatusCode = types.StatusCodePartialData
		}
		remaining += total - to
		out.MetricDataResults = append(out.MetricDataResults, one)
	}
	if remaining > 0 {
		out.NextToken = aws.String(base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%d", tokenPrefix, done)))
	}
	return out, nil
}

// position is how many values of all results, one after the other, earlier answers had.
func position(token *string) (n int, err error) {
	if token == nil {
		return 0, nil
	}
	raw, err := base64.StdEncoding.DecodeString(*token)
	if err == nil {
		_, err = fmt.Sscanf(string(raw), tokenPrefix+"%d", &n)
	}
	if err != nil || n < 0 {
		return 0, &types.InvalidNextToken{Message: aws.String("Invalid nextToken: " + *token)}
	}
	return n, nil
}
