package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
)

type logQuery struct {
	follow bool
	since  string
	json   string
}

func (a *app) logsCommand() *cobra.Command {
	var q logQuery
	cmd := &cobra.Command{
		Use:   "logs FUNCTION[:QUALIFIER]",
		Short: "Print the log of a function, or of one of its versions",
		Example: `  terraform-provider-lambda logs hello --since 1h
  terraform-provider-lambda logs hello -f`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.logs(cmd, args[0], q) },
	}
	cmd.Flags().BoolVarP(&q.follow, "follow", "f", false, "go on printing as new lines come")
	cmd.Flags().StringVar(&q.since, "since", "10m", "how far back: a duration such as 90s, 10m, 2h or 3d, or a time in RFC 3339")
	cmd.Flags().StringVarP(&q.json, "output", "o", "text", "text or json (a line each)")
	return cmd
}

func (a *app) logs(cmd *cobra.Command, function string, q logQuery) error {
	since, err := parseSince(q.since, time.Now())
	if err != nil {
		return usageError{err}
	}
	if q.json != "text" && q.json != "json" {
		return usageError{fmt.Errorf("unknown output %q: use text or json", q.json)}
	}
	name, resource, err := resourceName(function)
	if err != nil {
		return err
	}
	group, version, err := a.logGroup(cmd.Context(), function)
	if err != nil {
		return err
	}
	known := version != ""
	switch {
	case name == resource:
		version = "" // the log of all
	case !known:
		return fmt.Errorf("logs of %s: there is no such function, version or alias", function)
	}
	query := url.Values{"function": {name}, "region": {a.region}, "since": {since.UTC().Format(time.RFC3339Nano)}}
	if group != "" {
		query.Set("group", group)
	}
	if q.follow && known {
		query.Set("follow", "true")
	}
	response, err := a.get(cmd.Context(), engine.LogsPath+"?"+query.Encode())
	if err != nil {
		return a.explain(cmd.Context(), "logs of "+function, err)
	}
	defer response.Body.Close()
	printed, err := printLog(cmd.OutOrStdout(), response.Body, version, q.json == "json")
	if !known && printed == 0 {
		return fmt.Errorf("logs of %s: there is no such function, and no log of one since %s", function, since.Format(time.RFC3339))
	}
	if err != nil && cmd.Context().Err() == nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("logs of %s: %w", function, err)
	}
	return nil
}

// sign signs a request without a body as SDKs do: the engine reads off it who asks.
func (a *app) sign(r *http.Request) error {
	key, err := a.key(r.Context())
	if err != nil {
		return err
	}
	const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	return v4.NewSigner().SignHTTP(r.Context(), key, r, hashOfNothing, "lambda", a.region, time.Now())
}

// logGroup tells where a function logs to, and which version is meant; none if there is
// no such function now. Its log outlives it.
func (a *app) logGroup(ctx context.Context, function string) (group, version string, err error) {
	client, err := a.lambda(ctx)
	if err != nil {
		return "", "", fmt.Errorf("logs of %s: %w", function, err)
	}
	config, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return "", "", nil
	}
	if err != nil {
		return "", "", a.explain(ctx, "logs of "+function, err)
	}
	if config.LoggingConfig != nil && config.LoggingConfig.LogGroup != nil {
		group = *config.LoggingConfig.LogGroup
	}
	return group, *config.Version, nil
}

// printLog prints events as they come, those of one version if it is named, and tells
// how many there were.
func printLog(w io.Writer, lines io.Reader, version string, asJSON bool) (printed int, err error) {
	for events := json.NewDecoder(lines); ; {
		var event observe.Event
		if err := events.Decode(&event); errors.Is(err, io.EOF) {
			return printed, nil
		} else if err != nil {
			return printed, err
		}
		if version != "" && !strings.Contains(event.Stream, "["+version+"]") {
			continue
		}
		printed++
		if asJSON {
			err = json.NewEncoder(w).Encode(event)
		} else {
			_, err = fmt.Fprintf(w, "%s %s %s\n", event.Time.UTC().Format("2006-01-02T15:04:05.000Z"), event.Stream, strings.TrimRight(event.Message, "\n"))
		}
		if err != nil {
			return printed, err
		}
	}
}

// parseSince reads how far back to look: a duration, also in days, or a time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if rest, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.ParseUint(rest, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(days)), nil
		}
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, fmt.Errorf("--since %q: use a duration such as 90s, 10m, 2h or 3d, or a time such as 2026-11-22T10:00:00Z", text)
	}
	return now.Add(-ago), nil
}
