//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// changePause is the pause between two changes. A change of $LATEST needs new environments.
const changePause = 500 * time.Millisecond

// writer changes the function while it is called: its code, its configuration, its
// versions and an alias. It remembers what was acknowledged.
type writer struct {
	site   *site
	report *report
	builds [][]byte

	n        int
	stamp    []string            // what the configuration may say: the last acknowledged, and later ones in doubt
	versions map[string][]string // by number: what the published configuration may say
	alias    []string            // versions that the alias may point to
}

const aliasName = "live"

func (w *writer) run(ctx context.Context) {
	w.stamp, w.versions = []string{""}, map[string][]string{}
	for ctx.Err() == nil {
		w.n++
		begin := time.Now()
		err := w.change(context.WithoutCancel(ctx))
		switch {
		case err == nil:
			w.report.answered("change", time.Since(begin))
		case w.site.disturbedSince(begin):
			w.report.answered("change, an error when disturbed", time.Since(begin))
		default:
			w.report.violated("change %d: %v", w.n, err)
		}
		time.Sleep(changePause)
	}
}

// change is the next change in turn.
func (w *writer) change(ctx context.Context) error {
	name := aws.String(target)
	switch w.n % 4 {
	case 0:
		_, err := w.site.client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: w.builds[w.n/4%len(w.builds)]})
		return err
	case 1:
		stamp := fmt.Sprint(w.n)
		_, err := w.site.client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: name, Environment: &types.Environment{Variables: map[string]string{"STAMP": stamp}},
		})
		w.stamp = told(w.stamp, stamp, err)
		return err
	case 2:
		out, err := w.site.client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name})
		if err == nil {
			w.versions[*out.Version] = append([]string{}, w.stamp...)
		}
		return err
	}
	return w.moveAlias(ctx)
}

// told adds a value that was written: for sure, if it was acknowledged.
func told(may []string, value string, err error) []string {
	if err == nil {
		return []string{value}
	}
	return append(may, value)
}

func (w *writer) moveAlias(ctx context.Context) (err error) {
	newest := ""
	for number := range w.versions {
		if len(number) > len(newest) || len(number) == len(newest) && number > newest {
			newest = number
		}
	}
	if newest == "" {
		return nil
	}
	if w.alias == nil {
		_, err = w.site.client.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: aws.String(target), Name: aws.String(aliasName), FunctionVersion: &newest})
	} else {
		_, err = w.site.client.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: aws.String(target), Name: aws.String(aliasName), FunctionVersion: &newest})
	}
	if err == nil || w.alias != nil {
		w.alias = told(w.alias, newest, err)
	}
	return err
}

// verify compares what is there with what was acknowledged.
func (w *writer) verify(ctx context.Context) {
	w.check(ctx, "$LATEST", w.stamp)
	for number, stamps := range w.versions {
		w.check(ctx, number, stamps)
	}
	if w.alias == nil {
		return
	}
	out, err := w.site.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: aws.String(target), Name: aws.String(aliasName)})
	if err != nil {
		w.report.violated("alias: %v", err)
	} else if !slices.Contains(w.alias, *out.FunctionVersion) {
		w.report.violated("alias points to %s instead of %v", *out.FunctionVersion, w.alias)
	}
}

func (w *writer) check(ctx context.Context, version string, stamps []string) {
	out, err := w.site.client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(target), Qualifier: &version})
	if err != nil {
		w.report.violated("version %s: %v", version, err)
		return
	}
	stamp := ""
	if out.Environment != nil {
		stamp = out.Environment.Variables["STAMP"]
	}
	if !slices.Contains(stamps, stamp) {
		w.report.violated("version %s has the stamp %q instead of %q", version, stamp, stamps)
	}
	if out.State != types.StateActive || version == "$LATEST" && out.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		w.report.violated("version %s is %s, its update %s", version, out.State, out.LastUpdateStatus)
	}
}
