package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// watchPause is how long passes between two looks at a directory.
const watchPause = 100 * time.Millisecond

// watch has the function run the code in a directory, and calls invoke at first and
// whenever something has been saved there. In the end the function is what it was.
func (a *app) watch(cmd *cobra.Command, function, dir string, invoke func() error) (err error) {
	ctx := cmd.Context()
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	source := packaging.Directory{Path: dir, Loose: true}
	files, err := source.Files()
	if err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	restore, err := a.reload(ctx, function, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	fmt.Fprintf(cmd.ErrOrStderr(), "%s runs the code in %s until this command ends (Ctrl-C).\n", function, dir)
	for {
		if err := invoke(); err != nil && !errors.Is(err, errReported) {
			if ctx.Err() != nil {
				return nil
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Error: %v\n", err) // the next save may mend it
		}
		if files = nextSave(ctx, source, files); ctx.Err() != nil {
			return nil
		}
	}
}

// reload makes $LATEST of a function run the code in dir. What it returns undoes that.
func (a *app) reload(ctx context.Context, function, dir string) (restore func() error, err error) {
	client, err := a.lambda(ctx)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &function})
	if err != nil {
		return nil, a.explain(ctx, "watch "+function, err)
	}
	if version := *out.Configuration.Version; version != "$LATEST" {
		return nil, usageError{fmt.Errorf("%s is version %s, whose code never changes: watch $LATEST, or an alias of it", function, version)}
	}
	arn := strings.Join(strings.Split(*out.Configuration.FunctionArn, ":")[:7], ":") // without a qualifier
	tag := func(ctx context.Context, dir string) error {
		_, err := client.TagResource(ctx, &lambda.TagResourceInput{Resource: &arn, Tags: map[string]string{packaging.HotReloadTag: dir}})
		return err
	}
	if err := tag(ctx, dir); err != nil {
		return nil, a.explain(ctx, "watch "+function, err)
	}
	before, tagged := out.Tags[packaging.HotReloadTag]
	return func() (err error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // most often ctx has just ended
		defer cancel()
		if tagged {
			err = tag(ctx, before)
		} else {
			_, err = client.UntagResource(ctx, &lambda.UntagResourceInput{Resource: &arn, TagKeys: []string{packaging.HotReloadTag}})
		}
		if err != nil {
			return a.explain(ctx, "stop watching "+function, err)
		}
		return nil
	}, nil
}

// nextSave returns when the files are others than before, and have stayed so for a
// moment: editors save in several steps. It returns early when ctx ends.
func nextSave(ctx context.Context, source packaging.Directory, before []packaging.File) []packaging.File {
	last := before
	tick := time.NewTicker(watchPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return before
		case <-tick.C:
		}
		now, err := source.Files()
		if err != nil { // on its way from one state to another
			continue
		}
		if slices.Equal(now, last) && !slices.Equal(now, before) {
			return now
		}
		last = now
	}
}
