package filter

import "testing"

// FuzzFilter proves that no pattern and no record can bring the engine down, and that
// what a pattern says of plain values does not depend on whether they came as JSON.
func FuzzFilter(f *testing.F) {
	for _, pattern := range []string{
		`{"a": ["b", 1, null, true, "10.0.0.1"]}`, `{"a": {"b": [{"prefix": "x"}, {"suffix": {"equals-ignore-case": "Y"}}]}}`,
		`{"a": [{"anything-but": {"wildcard": ["*a\\*", "b*"]}}, {"numeric": [">", -1e3, "<=", 2.5]}]}`,
		`{"$or": [{"a": [{"exists": false}]}, {"b": [{"cidr": "10.0.0.0/8"}]}], "c": {"d": [{"anything-but": [1, 2]}]}}`,
	} {
		f.Add(pattern, `{"a": ["b", {"b": "xY"}, [1e3, -0.0, 1e999]], "c": [{"d": "10.1.2.3"}, null]}`)
		f.Add(pattern, "{\"a\": \"\xff\"}")
		f.Add(pattern, `[[[]]]`)
	}
	f.Fuzz(func(t *testing.T, pattern, data string) {
		filter, err := Compile([]string{pattern})
		if err != nil {
			if filter != nil || reason(err) == "" {
				t.Fatalf("an error without a reason: %v", err)
			}
			return
		}
		record, err := decode([]byte(data))
		if err != nil {
			record = data
		}
		matched := filter.Match(record)
		filter.MatchData(map[string]any{"a": data, "b": record}, "a")
		nested, err := Compile([]string{`{"body": ` + pattern + `}`})
		if err != nil {
			t.Fatalf("a pattern is a pattern at any depth: %v", err)
		}
		switch record.(type) {
		case map[string]any, []any:
			if got, want := nested.MatchData(map[string]any{"body": data}, "body"), matched; got != want {
				t.Fatalf("decoded by the filter %v, by the caller %v", got, want)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	dynamo := parse(b, `{"eventID": "1", "eventName": "INSERT", "dynamodb": {"Keys": {"id": {"S": "x"}}, "NewImage": {"AccountManager": {"S": "Pat Candella"}, "Terms": {"N": "60"}}, "SizeBytes": 26}}`)
	sqs := map[string]any{"messageId": "059f36b4", "body": `{"RecordNumber": 1234, "TimeStamp": "2024-01-01T00:00:00", "RequestCode": "BBBB"}`}
	text := map[string]any{"messageId": "059f36b4", "body": `BBBB`}
	for _, c := range []struct {
		name     string
		patterns []string
		match    func(*Filter) bool
	}{
		{"none", nil, func(f *Filter) bool { return f.MatchData(sqs, "body") }},
		{"DynamoDB", []string{`{"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"AccountManager": {"S": [{"prefix": "Pat"}]}}}}`}, func(f *Filter) bool { return f.Match(dynamo) }},
		{"body of JSON", []string{`{"body": {"RequestCode": ["BBBB"], "RecordNumber": [{"numeric": [">", 1000]}]}}`}, func(f *Filter) bool { return f.MatchData(sqs, "body") }},
		{"plain body", []string{`{"body": ["AAAA", "BBBB"]}`}, func(f *Filter) bool { return f.MatchData(text, "body") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			f, err := Compile(c.patterns)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !c.match(f) {
					b.Fatal("does not match")
				}
			}
		})
	}
}
