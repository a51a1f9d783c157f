package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// object reads a member of a JSON body, or the body itself.
func (r answer) object(t *testing.T, path ...string) map[string]any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	for _, name := range path {
		v = v.(map[string]any)[name]
		if list, ok := v.([]any); ok {
			v = list[0]
		}
	}
	return v.(map[string]any)
}

// Spec api §E.2, §E.3, F.9.1, F.10.1, F.11.1, F.11.4, F.17.2: the very members that AWS was
// recorded with, on the wire, where an SDK would not tell a missing one from an empty one.
func TestShapes(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := python(t, "return 1")
	zip := base64.StdEncoding.EncodeToString(pkg)
	create := a.send("POST", "/2015-03-31/functions", `{"FunctionName":"f","Runtime":"python3.13","Handler":"app.handler","Role":"`+role+`","Code":{"ZipFile":"`+zip+`"}}`)
	read := a.send("GET", "/2015-03-31/functions/f", "")
	flat := a.send("GET", "/2015-03-31/functions/f/configuration", "")
	list := a.send("GET", "/2015-03-31/functions", "")
	code := a.send("PUT", "/2015-03-31/functions/f/code", `{"ZipFile":"`+zip+`","Publish":true}`)
	update := a.send("PUT", "/2015-03-31/functions/f/configuration", `{"Timeout":4}`)
	publish := a.send("POST", "/2015-03-31/functions/f/versions", `{}`)
	versions := a.send("GET", "/2015-03-31/functions/f/versions", "")
	alias := a.send("POST", "/2015-03-31/functions/f/aliases", `{"Name":"a","FunctionVersion":"1"}`)
	mapping := a.send("POST", "/2015-03-31/event-source-mappings", `{"FunctionName":"f","EventSourceArn":"`+a.stream("s")+`","StartingPosition":"LATEST"}`)

	const always = "Architectures CodeSha256 CodeSize ConfigSha256 Description EphemeralStorage FunctionArn FunctionName Handler LastModified LoggingConfig " +
		"MemorySize PackageType RevisionId Role Runtime SnapStart Timeout TracingConfig Version"
	const (
		pending    = " RuntimeVersionConfig State StateReason StateReasonCode"
		settled    = " RuntimeVersionConfig State LastUpdateStatus"
		inProgress = settled + " LastUpdateStatusReason LastUpdateStatusReasonCode"
	)
	for name, c := range map[string]struct {
		got     answer
		path    []string
		status  int
		members string
	}{
		"CreateFunction":              {create, nil, 201, always + pending},
		"GetFunction":                 {read, nil, 200, "Code Configuration"},
		"Code":                        {read, []string{"Code"}, 200, "Location RepositoryType"},
		"GetFunctionConfiguration":    {flat, nil, 200, always + settled},
		"ListFunctions":               {list, []string{"Functions"}, 200, always},
		"ListVersionsByFunction":      {versions, []string{"Versions"}, 200, always},
		"UpdateFunctionConfiguration": {update, nil, 200, always + inProgress},
		"UpdateFunctionCode":          {code, nil, 200, always + pending},
		"PublishVersion":              {publish, nil, 201, always + pending},
		"CreateAlias":                 {alias, nil, 201, "AliasArn Description FunctionVersion Name RevisionId"},
		"CreateEventSourceMapping": {mapping, nil, 202, "BatchSize BisectBatchOnFunctionError DestinationConfig EventSourceArn EventSourceMappingArn FunctionArn FunctionResponseTypes " +
			"LastModified LastProcessingResult MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts ParallelizationFactor StartingPosition State " +
			"StateTransitionReason TumblingWindowInSeconds UUID"},
	} {
		got, want := slices.Sorted(maps.Keys(c.got.object(t, c.path...))), strings.Fields(c.members)
		slices.Sort(want)
		if c.got.status != c.status || !slices.Equal(got, want) {
			t.Errorf("%s answers %d with\n%v, want\n%v", name, c.got.status, got, want)
		}
	}
	if !reflect.DeepEqual(read.object(t, "Configuration"), flat.object(t)) {
		t.Errorf("GetFunction has %v, GetFunctionConfiguration %v", read.object(t, "Configuration"), flat.object(t))
	}
	for member, want := range map[string]any{
		"Architectures":    []any{"x86_64"},
		"EphemeralStorage": map[string]any{"Size": 512.0},
		"LoggingConfig":    map[string]any{"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
		"PackageType":      "Zip",
		"SnapStart":        map[string]any{"ApplyOn": "None", "OptimizationStatus": "Off"},
		"TracingConfig":    map[string]any{"Mode": "PassThrough"},
		"CodeSize":         float64(len(pkg)),
	} {
		if got := flat.object(t)[member]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", member, got, want)
		}
	}
	if modified, number := mapping.object(t)["LastModified"].(float64); !number || modified < 1e9 {
		t.Errorf("LastModified of a mapping is %v", mapping.object(t)["LastModified"])
	}
	if to := fmt.Sprint(mapping.object(t)["DestinationConfig"]); to != "map[OnFailure:map[]]" {
		t.Errorf("DestinationConfig %s", to)
	}
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// Spec api F.25.1, A.14: every answer has an id of its own, with or without a body.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	seen := map[string]bool{}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/2015-03-31/functions/f", "", 200},
		{"POST", "/2015-03-31/functions/f/versions", "{}", 201},
		{"POST", "/2015-03-31/functions/f/invocations", "{}", 200},
		{"POST", "/2014-11-13/functions/f/invoke-async/", "{}", 202},
		{"DELETE", "/2015-03-31/functions/f/aliases/none", "", 204},
		{"GET", "/2015-03-31/functions?MaxItems=0", "", 400},
		{"GET", "/2015-03-31/functions/nope", "", 404},
		{"GET", "/2015-03-31/nothing", "", 404},
		{"GET", "/2025-11-30/capacity-providers", "", 501},
	} {
		got := a.send(c.method, c.path, c.body)
		id := got.header.Get("X-Amzn-Requestid")
		if got.status != c.status || !uuid4.MatchString(id) || seen[id] {
			t.Errorf("%s %s: %d, id %q", c.method, c.path, got.status, id)
		}
		seen[id] = true
	}
}
