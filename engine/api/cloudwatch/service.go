// Package cloudwatch is a local Amazon CloudWatch: metrics of functions, custom metrics,
// and alarms on both.
//
//	list.go        ListMetrics
//	statistics.go  GetMetricStatistics
//	data.go        GetMetricData
//	put.go         PutMetricData
//	alarms.go      PutMetricAlarm and what is done with alarms
//	describe.go    DescribeAlarms, DescribeAlarmsForMetric
//	history.go     DescribeAlarmHistory
//	tags.go        TagResource, UntagResource, ListTagsForResource
//	page.go        tokens of long answers
//
// Metrics are kept by the minute for 15 days. There are no composite alarms, dashboards,
// anomaly detectors or metric streams.
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/query"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Service implements the operations of CloudWatch over the SDK's types.
type Service struct {
	Metrics *metrics.Store
	Alarms  *alarms.Manager
	Now     func() time.Time
}

// Wire binds the operations to the model, for wire.NewServer.
func (s *Service) Wire() (*wire.Service, error) {
	model, err := wire.LoadModel("cloudwatch")
	if err != nil {
		return nil, err
	}
	return wire.NewService(model, s)
}

// scope is whose metrics and alarms a request is about.
func scope(ctx context.Context) catalog.Scope {
	c := wire.CallerFrom(ctx)
	return catalog.Scope{Account: c.Account, Region: c.Region}
}

func invalidValue(format string, args ...any) error {
	return &types.InvalidParameterValueException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func invalidCombination(format string, args ...any) error {
	return &types.InvalidParameterCombinationException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func missing(parameter string) error {
	return &types.MissingRequiredParameterException{Message: aws.String("The parameter " + parameter + " is required.")}
}

// invalid is the error of what no named error fits.
func invalid(format string, args ...any) error {
	return &wire.Error{Code: "ValidationError", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// checked makes the caller's fault of what is wrong with queries.
func checked(err error) error {
	if bad := (*query.Invalid)(nil); errors.As(err, &bad) {
		return invalid("%s", bad.Message)
	}
	return err
}
