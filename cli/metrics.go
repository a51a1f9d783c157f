package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/spf13/cobra"
)

type metricsQuery struct {
	since  string
	period time.Duration
	output string
	follow bool
	aws    bool
}

func (a *app) metricsCommand() *cobra.Command {
	var q metricsQuery
	cmd := &cobra.Command{
		Use:   "metrics FUNCTION[:QUALIFIER]",
		Short: "Show how often a function ran, failed and how long it took",
		Long:  "Shows the metrics of a function, or of one version or alias of it, as numbers and over time. It asks CloudWatch's API: the engine's, or AWS's with --aws.",
		Example: `  terraform-provider-lambda metrics hello
  terraform-provider-lambda metrics hello:live --since 6h -o json
  terraform-provider-lambda metrics hello -f`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.metrics(cmd, args[0], q)
			if q.follow && cmd.Context().Err() != nil { // Ctrl-C ends it well
				err = nil
			}
			return err
		},
	}
	cmd.Flags().StringVar(&q.since, "since", "1h", "how far back: a duration such as 90s, 10m, 2h or 3d, or a time in RFC 3339")
	cmd.Flags().DurationVar(&q.period, "period", 0, "how long a step in time is, in whole minutes (default: what makes 60 steps or fewer)")
	cmd.Flags().StringVarP(&q.output, "output", "o", "text", "text or json")
	cmd.Flags().BoolVarP(&q.follow, "follow", "f", false, "show them again every few seconds")
	cmd.Flags().BoolVar(&q.aws, "aws", false, "ask AWS instead of the engine, with the credentials and settings of the AWS CLI")
	return cmd
}

// followInterval is the pause between two looks at the engine; AWS has news by the minute.
const (
	followInterval    = 2 * time.Second
	followAWSInterval = time.Minute
)

func (a *app) metrics(cmd *cobra.Command, function string, q metricsQuery) error {
	if q.output != "text" && q.output != "json" {
		return usageError{fmt.Errorf("unknown output %q: use text or json", q.output)}
	}
	if q.period%time.Minute != 0 || q.period < 0 {
		return usageError{fmt.Errorf("--period %s: use whole minutes, such as 5m", q.period)}
	}
	if _, err := parseSince(q.since, time.Now()); err != nil {
		return usageError{err}
	}
	ctx := cmd.Context()
	client, err := a.monitoring(ctx, q.aws)
	if err != nil {
		return fmt.Errorf("metrics of %s: %w", function, err)
	}
	interval := followInterval
	if q.aws {
		interval = followAWSInterval
	}
	for first := true; ; first = false {
		shown, err := a.show(ctx, client, function, q)
		if err != nil {
			return err
		}
		if first && shown.empty() && !q.aws {
			if _, version, err := a.logGroup(ctx, function); err != nil {
				return err
			} else if version == "" {
				return fmt.Errorf("metrics of %s: there is no such function, version or alias, and none has run since %s", function, shown.Since.Format(time.RFC3339))
			}
		}
		if err := printMetrics(cmd.OutOrStdout(), shown, q); err != nil || !q.follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}

// show asks for the metrics of the time that is asked for, as of now.
func (a *app) show(ctx context.Context, client *cloudwatch.Client, function string, q metricsQuery) (*functionMetrics, error) {
	now := time.Now()
	since, err := parseSince(q.since, now)
	if err != nil {
		return nil, usageError{err}
	}
	shown, err := readMetrics(ctx, client, function, since, now, q.period)
	if err != nil && q.aws {
		return nil, fmt.Errorf("metrics of %s: %w", function, err)
	}
	if err != nil {
		return nil, a.explain(ctx, "metrics of "+function, err)
	}
	return shown, nil
}

// monitoring returns a client of the engine's CloudWatch, or of AWS's.
func (a *app) monitoring(ctx context.Context, atAWS bool) (*cloudwatch.Client, error) {
	if atAWS {
		c, err := config.LoadDefaultConfig(ctx, config.WithRegion(a.region))
		if err != nil {
			return nil, fmt.Errorf("read the AWS configuration: %w", err)
		}
		return cloudwatch.NewFromConfig(c), nil
	}
	key, err := a.key(ctx)
	if err != nil {
		return nil, err
	}
	return cloudwatch.New(cloudwatch.Options{
		Region:           a.region,
		BaseEndpoint:     &a.endpoint,
		Credentials:      aws.NewCredentialsCache(credentials.StaticCredentialsProvider{Value: key}),
		RetryMaxAttempts: 1,
	}), nil
}

func printMetrics(w io.Writer, m *functionMetrics, q metricsQuery) error {
	if q.output == "json" {
		return json.NewEncoder(w).Encode(m)
	}
	if q.follow && isTerminal(w) {
		fmt.Fprint(w, "\x1b[H\x1b[2J") // from the top of an empty screen
	}
	_, err := io.WriteString(w, m.table())
	return err
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// resourceName is what metrics call the version or alias that FUNCTION:QUALIFIER names;
// an ARN will do, too.
func resourceName(function string) (name, resource string, err error) {
	if _, rest, ok := strings.Cut(function, ":function:"); ok {
		function = rest
	}
	name, qualifier, qualified := strings.Cut(function, ":")
	if name == "" || qualified && (qualifier == "" || strings.Contains(qualifier, ":")) {
		return "", "", usageError{errors.New("name a function as FUNCTION or FUNCTION:QUALIFIER")}
	}
	return name, function, nil
}
