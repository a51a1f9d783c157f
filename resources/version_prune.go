package resources

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// prune removes the versions of a function but the newest and the needed ones.
func (r *version) prune(ctx context.Context, client *lambda.Client, m *versionModel, diags *diag.Diagnostics) {
	name := m.FunctionName.ValueString()
	fail := func(err error) { report(diags, "Removing old versions of "+name, err, blame{"", "keep_last"}) }
	var numbers []string
	pages := lambda.NewListVersionsByFunctionPaginator(client, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			fail(err)
			return
		}
		for _, v := range page.Versions {
			if number := aws.ToString(v.Version); isNumber(number) {
				numbers = append(numbers, number)
			}
		}
	}
	slices.SortFunc(numbers, func(a, b string) int {
		if newer(a, b) {
			return -1
		}
		return 1
	})
	if int64(len(numbers)) <= m.KeepLast.ValueInt64() {
		return
	}
	needed, err := r.needed(ctx, client, name)
	if err != nil {
		fail(err)
		return
	}
	for _, number := range numbers[m.KeepLast.ValueInt64():] {
		if needed[number] == "" && number != m.Version.ValueString() {
			r.remove(ctx, client, name, number, diags)
		}
	}
}

// remove deletes a version, and warns instead if an alias points at it.
func (r *version) remove(ctx context.Context, client *lambda.Client, name, number string, diags *diag.Diagnostics) {
	keep := func(why string) {
		diags.AddWarning("The version was kept", fmt.Sprintf("%s:%s is no longer managed, but it still exists: %s.", name, number, why))
	}
	aliases, err := aliasesOf(ctx, client, name)
	if isNotFound(err) {
		return // the function is gone, and its versions with it
	}
	if err != nil {
		report(diags, "Listing the aliases of "+name, err)
		return
	}
	if alias := aliases[number]; alias != "" {
		keep("the alias " + alias + " points at it")
		return
	}
	err = retry(ctx, r.conn.PollMax, either(busy, replicated), func(ctx context.Context) error {
		_, err := client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name, Qualifier: &number})
		return err
	})
	switch {
	case err == nil || isNotFound(err):
	case errorCode(err) == "ResourceConflictException" && strings.Contains(strings.ToLower(errorMessage(err)), "alias"):
		keep("an alias points at it") // since we asked
	default:
		report(diags, fmt.Sprintf("Deleting version %s of %s", number, name), err)
	}
}

// needed says what needs which version of a function.
func (r *version) needed(ctx context.Context, client *lambda.Client, name string) (map[string]string, error) {
	needed, err := aliasesOf(ctx, client, name)
	if err != nil {
		return nil, err
	}
	mappings := lambda.NewListEventSourceMappingsPaginator(client, &lambda.ListEventSourceMappingsInput{})
	for mappings.HasMorePages() {
		page, err := mappings.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.EventSourceMappings {
			if f, err := arn.ParseFunction(aws.ToString(e.FunctionArn)); err == nil && f.Name == arn.FunctionName(name) && isNumber(f.Qualifier) {
				needed[f.Qualifier] = "event source mapping " + aws.ToString(e.UUID)
			}
		}
	}
	concurrency := lambda.NewListProvisionedConcurrencyConfigsPaginator(client, &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &name})
	for concurrency.HasMorePages() {
		page, err := concurrency.NextPage(ctx)
		if isNotImplemented(err) {
			break // nothing can have any
		}
		if err != nil {
			return nil, err
		}
		for _, p := range page.ProvisionedConcurrencyConfigs {
			if f, err := arn.ParseFunction(aws.ToString(p.FunctionArn)); err == nil && isNumber(f.Qualifier) {
				needed[f.Qualifier] = "provisioned concurrency"
			}
		}
	}
	return needed, nil
}

// aliasesOf says which alias points at which version, if only with a weight.
func aliasesOf(ctx context.Context, client *lambda.Client, name string) (map[string]string, error) {
	aliases := map[string]string{}
	pages := lambda.NewListAliasesPaginator(client, &lambda.ListAliasesInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Aliases {
			aliases[aws.ToString(a.FunctionVersion)] = aws.ToString(a.Name)
			if a.RoutingConfig != nil {
				for number := range a.RoutingConfig.AdditionalVersionWeights {
					aliases[number] = aws.ToString(a.Name)
				}
			}
		}
	}
	return aliases, nil
}
