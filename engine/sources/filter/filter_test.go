package filter

import (
	"errors"
	"strings"
	"testing"
)

// One condition each, on the value of the field v of a record.
func TestConditions(t *testing.T) {
	for _, c := range []struct {
		name, condition string
		yes, no         []string // values; "" for a record without the field
	}{
		{"exact", `["a", "b"]`, []string{`"a"`, `"b"`, `["x", "b"]`, `[["a"]]`}, []string{`"A"`, `"ab"`, `null`, `1`, `{"a": "a"}`, `[]`, ``}},
		{"exactly", `[{"exactly": "a"}]`, []string{`"a"`}, []string{`"b"`}},
		{"empty", `[""]`, []string{`""`}, []string{`" "`, `null`, ``}},
		{"null", `[null]`, []string{`null`, `[null]`}, []string{`"null"`, `""`, `0`, `false`, ``}},
		{"booleans", `[true]`, []string{`true`}, []string{`false`, `"true"`, `1`, ``}},
		{"number", `[300]`, []string{`300`, `300.0`, `3.0e2`, `3E+2`, `0300e0`[1:]}, []string{`301`, `"300"`, `-300`, `null`}},
		{"fraction", `[0.1]`, []string{`0.1`, `1e-1`, `0.10`}, []string{`0.1000000000000000055511151231257827`, `0.10000000000000002`}},
		{"zero", `[0]`, []string{`0`, `-0`, `0.0`, `0e5`}, []string{`false`, `""`, `1e-300`}},
		{"more digits than a double has", `[12345678901234567890123]`, []string{`12345678901234567890123`}, []string{`12345678901234567890124`, `1.2345678901234568e22`}},
		{"address", `["10.0.0.1", "::1"]`, []string{`"10.0.0.1"`, `"0:0:0:0:0:0:0:1"`}, []string{`"10.0.0.2"`, `"::2"`, `"x"`}},
		{"prefix", `[{"prefix": "us-"}]`, []string{`"us-east-1"`, `"us-"`}, []string{`"US-east-1"`, `"eu-us-"`, `null`, `1`}},
		{"empty prefix", `[{"prefix": ""}]`, []string{`""`, `"a"`}, []string{`1`, ``}},
		{"prefix, ignoring case", `[{"prefix": {"equals-ignore-case": "EventB"}}]`, []string{`"eventbridge"`, `"EVENTB"`}, []string{`"event"`}},
		{"suffix", `[{"suffix": ".png"}]`, []string{`"a.png"`, `".png"`}, []string{`"a.PNG"`, `"a.png2"`}},
		{"suffix, ignoring case", `[{"suffix": {"equals-ignore-case": ".png"}}]`, []string{`"a.PNG"`}, []string{`"png"`}},
		{"ignoring case", `[{"equals-ignore-case": "alice"}]`, []string{`"Alice"`, `"ALICE"`}, []string{`"alic"`, `"alice "`}},
		{"ignoring case beyond ASCII", `[{"equals-ignore-case": "GRÜN"}]`, []string{`"grün"`}, []string{`"grun"`}},
		{"wildcard", `[{"wildcard": "dir/*/logs/*.txt"}]`, []string{`"dir/a/logs/x.txt"`, `"dir/a/b/logs/c/logs/.txt"`}, []string{`"dir/logs/x.txt"`, `"dir/a/logs/x.txt2"`, `"xdir/a/logs/x.txt"`}},
		{"wildcard that overlaps", `[{"wildcard": "ab*ba"}]`, []string{`"abba"`, `"ab-ba"`}, []string{`"aba"`}},
		{"wildcard, escaped", `[{"wildcard": "\\**\\\\"}]`, []string{`"*a\\"`}, []string{`"a\\"`, `"*a"`}},
		{"no wildcard in it", `[{"wildcard": "a"}]`, []string{`"a"`}, []string{`"ab"`}},
		{"anything but", `[{"anything-but": "a"}]`, []string{`"b"`, `1`, `null`, `true`, `["a", "b"]`}, []string{`"a"`, `["a"]`, `[]`, `{"x": 1}`, ``}},
		{"anything but a number", `[{"anything-but": 123}]`, []string{`124`, `"123"`}, []string{`123`, `123.0`, ``}},
		{"anything but a list", `[{"anything-but": ["a", "b"]}]`, []string{`"c"`}, []string{`"a"`, `"b"`}},
		{"anything but numbers", `[{"anything-but": [100, 200]}]`, []string{`150`}, []string{`100`, `2e2`}},
		{"anything but a prefix", `[{"anything-but": {"prefix": "us-"}}]`, []string{`"eu-1"`, `1`}, []string{`"us-1"`, ``}},
		{"anything but prefixes", `[{"anything-but": {"prefix": ["us-", "eu-"]}}]`, []string{`"ap-1"`}, []string{`"us-1"`, `"eu-1"`}},
		{"anything but a suffix", `[{"anything-but": {"suffix": ".png"}}]`, []string{`"a.gif"`}, []string{`"a.png"`}},
		{"anything but ignoring case", `[{"anything-but": {"equals-ignore-case": ["A", "b"]}}]`, []string{`"c"`}, []string{`"a"`, `"B"`}},
		{"anything but a wildcard", `[{"anything-but": {"wildcard": "*/lib/*"}}]`, []string{`"/usr/bin/x"`}, []string{`"/usr/lib/x"`}},
		{"numeric", `[{"numeric": ["=", 3.018e2]}]`, []string{`301.8`}, []string{`301`, `"301.8"`}},
		{"greater", `[{"numeric": [">", 10]}]`, []string{`10.5`, `1e300`}, []string{`10`, `-11`, `"11"`, `true`, ``}},
		{"at least", `[{"numeric": [">=", -1.5]}]`, []string{`-1.5`, `0`}, []string{`-1.6`}},
		{"less", `[{"numeric": ["<", 10]}]`, []string{`9.99`, `-1`}, []string{`10`, `11`}},
		{"at most", `[{"numeric": ["<=", 10]}]`, []string{`10`}, []string{`10.01`}},
		{"range", `[{"numeric": [">", 0, "<=", 5]}]`, []string{`5`, `0.1`, `[9, 3]`}, []string{`0`, `5.1`, `[9, -3]`}},
		{"exists", `[{"exists": true}]`, []string{`1`, `null`, `""`, `[1]`}, []string{``, `{"a": 1}`, `[]`, `{}`}},
		{"exists not", `[{"exists": false}]`, []string{``, `{"a": 1}`, `[]`}, []string{`1`, `null`, `""`}},
		{"is absent or a", `["a", {"exists": false}]`, []string{``, `"a"`}, []string{`"b"`, `null`}},
		{"cidr", `[{"cidr": "10.0.0.0/24"}]`, []string{`"10.0.0.255"`}, []string{`"10.0.1.0"`, `"::1"`, `"10.0.0"`, `"x"`, `1`}},
		{"cidr of IPv6", `[{"cidr": "2001:db8::/32"}]`, []string{`"2001:db8:1::1"`}, []string{`"2001:db9::1"`, `"10.0.0.1"`}},
		{"several", `[{"prefix": "a"}, {"numeric": ["=", 1]}, "x", null]`, []string{`"ab"`, `1`, `"x"`, `null`}, []string{`2`, `"y"`, `true`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Compile([]string{`{"v": ` + c.condition + `}`})
			if err != nil {
				t.Fatal(err, reason(err))
			}
			for want, values := range map[bool][]string{true: c.yes, false: c.no} {
				for _, value := range values {
					record := `{"other": 1}`
					if value != "" {
						record = `{"other": 1, "v": ` + value + `}`
					}
					if got := f.Match(parse(t, record)); got != want {
						t.Errorf("%s: %v, want %v", record, got, want)
					}
				}
			}
		})
	}
}

// The examples of AWS's pages about filtering, and the structure of patterns.
func TestPatterns(t *testing.T) {
	const kinesis = `{"partitionKey": "1", "sequenceNumber": "4959", "data": {"City": "Seattle", "State": "WA", "Temperature": "46", "Month": "December"}, "approximateArrivalTimestamp": 1545084650.987}`
	const dynamo = `{"eventID": "1", "eventName": "INSERT", "dynamodb": {"Keys": {"CustomerName": {"S": "AnyCompany Industries"}},
		"NewImage": {"AccountManager": {"S": "Pat Candella"}, "PaymentTerms": {"S": "60 days"}, "Paid": {"BOOL": true}, "Tags": {"L": [{"S": "a"}, {"S": "b"}]}},
		"SequenceNumber": "111", "SizeBytes": 26, "StreamViewType": "NEW_IMAGE"}}`
	const array = `{"e": [{"k": "a", "n": 1}, {"k": "b", "n": 2}, 7], "x": {"y": 1}}`
	for _, c := range []struct {
		name, record string
		patterns     []string
		want         bool
	}{
		{"none", kinesis, nil, true},
		{"metadata and data", kinesis, []string{`{"partitionKey": ["1"], "data": {"City": ["Seattle"]}}`}, true},
		{"both must match", kinesis, []string{`{"partitionKey": ["2"], "data": {"City": ["Seattle"]}}`}, false},
		{"any pattern", kinesis, []string{`{"partitionKey": ["2"]}`, `{"data": {"Month": [{"suffix": "ember"}]}}`}, true},
		{"number in a string", kinesis, []string{`{"data": {"Temperature": [{"numeric": ["=", 46]}]}}`}, false},
		{"timestamp", kinesis, []string{`{"approximateArrivalTimestamp": [{"numeric": [">", 1545084650, "<", 1545084651]}]}`}, true},
		{"keys", dynamo, []string{`{"dynamodb": {"Keys": {"CustomerName": {"S": ["AnyCompany Industries"]}}}}`}, true},
		{"anything but, in an image", dynamo, []string{`{"dynamodb": {"NewImage": {"AccountManager": {"S": [{"anything-but": ["Pat Candella"]}]}}}}`}, false},
		{"or", dynamo, []string{`{"$or": [{"eventName": ["REMOVE"]}, {"dynamodb": {"NewImage": {"PaymentTerms": {"S": ["60 days"]}}}}]}`}, true},
		{"or of neither", dynamo, []string{`{"$or": [{"eventName": ["REMOVE"]}, {"eventID": ["2"]}]}`}, false},
		{"or beside a field", dynamo, []string{`{"eventName": ["REMOVE"], "$or": [{"eventID": ["1"]}, {"eventID": ["2"]}]}`}, false},
		{"or below", dynamo, []string{`{"dynamodb": {"$or": [{"SizeBytes": [{"numeric": [">", 100]}]}, {"StreamViewType": [{"prefix": "NEW"}]}]}}`}, true},
		{"or in or", dynamo, []string{`{"$or": [{"eventID": ["2"]}, {"eventName": ["INSERT"], "$or": [{"eventID": ["3"]}, {"eventID": ["1"]}]}]}`}, true},
		{"element of a list", dynamo, []string{`{"dynamodb": {"NewImage": {"Tags": {"L": {"S": ["b"]}}}}}`}, true},
		{"what exists only at leaves", dynamo, []string{`{"dynamodb": [{"exists": true}]}`}, false},
		{"no old image", dynamo, []string{`{"dynamodb": {"OldImage": {"AccountManager": {"S": [{"exists": false}]}}}}`}, true},
		{"below a value", dynamo, []string{`{"eventName": {"x": [{"exists": false}]}}`}, true},
		{"one element", array, []string{`{"e": {"k": ["b"], "n": [2]}}`}, true},
		{"of one element only", array, []string{`{"e": {"k": ["a"], "n": [2]}}`}, false},
		{"absent in one element", array, []string{`{"e": {"k": ["a"], "m": [{"exists": false}]}}`}, true},
		{"absent in all", array, []string{`{"e": {"m": [{"exists": false}]}}`}, true},
		{"not absent in all", `{"e": [{"m": 1}, {"k": 1}]}`, []string{`{"e": {"m": [{"exists": false}]}}`}, false},
		{"no object", `["a"]`, []string{`{"a": ["a"]}`}, false},
		{"nothing", `null`, []string{`{"a": ["a"]}`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Compile(c.patterns)
			if err != nil {
				t.Fatal(reason(err))
			}
			if got := f.Match(parse(t, c.record)); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// AWS's tables of what happens to the body of SQS and the data of Kinesis.
func TestMatchData(t *testing.T) {
	const (
		object  = `{"body": {"RequestCode": ["BBBB"]}}`
		plain   = `{"body": ["BBBB", {"prefix": "{"}]}`
		other   = `{"attributes": {"SenderId": ["me"]}}`
		absence = `{"body": {"x": [{"exists": false}]}}`
	)
	for _, c := range []struct {
		name, pattern, body string
		want                bool
	}{
		{"plain, pattern plain", plain, `BBBB`, true},
		{"plain, pattern plain, another", plain, `AAAA`, false},
		{"plain, no pattern for it", other, `BBBB`, true},
		{"plain, pattern JSON", object, `BBBB`, false},
		{"plain, pattern JSON, of what is absent", absence, `BBBB`, false},
		{"JSON, pattern plain", plain, `{"RequestCode": "BBBB"}`, false},
		{"JSON, no pattern for it", other, `{"RequestCode": "BBBB"}`, true},
		{"JSON, pattern JSON", object, ` {"RequestCode": "BBBB"}`, true},
		{"JSON, pattern JSON, another", object, `{"RequestCode": "AAAA"}`, false},
		{"JSON, pattern JSON, of what is absent", absence, `{}`, true},
		{"JSON in a list", object, `[{"RequestCode": "BBBB"}]`, true},
		{"nearly JSON", plain, `{"RequestCode": `, true},
		{"two objects are no JSON", object, `{"RequestCode": "BBBB"} {}`, false},
		{"a number is plain", `{"body": ["42"]}`, `42`, true},
		{"empty", `{"body": [""]}`, ``, true},
		{"either", `{"$or": [` + object + `, ` + plain + `]}`, `BBBB`, true},
		{"either, the other", `{"$or": [` + object + `, ` + plain + `]}`, `{"RequestCode": "BBBB"}`, true},
		{"a field of the same name is a field", `{"attributes": {"body": ["x"]}}`, `x`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Compile([]string{c.pattern})
			if err != nil {
				t.Fatal(reason(err))
			}
			attributes := map[string]any{"SenderId": "me"}
			if got := f.MatchData(map[string]any{"body": c.body, "attributes": attributes}, "body"); got != c.want {
				t.Errorf("string: %v, want %v", got, c.want)
			}
			if got := f.MatchData(map[string]any{"body": []byte(c.body), "attributes": attributes}, "body"); got != c.want {
				t.Errorf("bytes: %v, want %v", got, c.want)
			}
		})
	}
	f, err := Compile([]string{other, plain})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.RequireJSON("attributes"); err != nil {
		t.Error("no pattern takes the attributes for text:", err)
	}
	var invalid *Error
	if err := f.RequireJSON("body"); !errors.As(err, &invalid) || invalid.Pattern != plain {
		t.Errorf("a pattern takes the body for text: %v", err)
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, pattern := range []string{
		``, `null`, `"simple string"`, `[]`, `{`, `{"a": ["b"]} x`, `{}`, `{"a": {}}`, `{"a": []}`, `{"a": "b"}`, `{"a": 1}`, `{"a": null}`,
		`{"a": [["b"]]}`, `{"a": [{}]}`, `{"a": [{"prefix": "a", "suffix": "b"}]}`, `{"a": [{"unknown": "a"}]}`,
		`{"a": [{"prefix": 1}]}`, `{"a": [{"prefix": {"suffix": "a"}}]}`, `{"a": [{"prefix": {"equals-ignore-case": 1}}]}`, `{"a": [{"suffix": null}]}`,
		`{"a": [{"equals-ignore-case": ["a"]}]}`, `{"a": [{"equals-ignore-case": {"prefix": "a"}}]}`, `{"a": [{"exists": "true"}]}`, `{"a": [{"exists": null}]}`,
		`{"a": [{"wildcard": "a**b"}]}`, `{"a": [{"wildcard": "a\\b"}]}`, `{"a": [{"wildcard": "a\\"}]}`, `{"a": [{"wildcard": 1}]}`,
		`{"a": [{"anything-but": []}]}`, `{"a": [{"anything-but": ["a", 1]}]}`, `{"a": [{"anything-but": null}]}`, `{"a": [{"anything-but": [true]}]}`,
		`{"a": [{"anything-but": {"numeric": ["=", 1]}}]}`, `{"a": [{"anything-but": {"prefix": ""}}]}`, `{"a": [{"anything-but": {"prefix": 1}}]}`,
		`{"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]}`, `{"a": [{"anything-but": {"prefix": {"equals-ignore-case": "a"}}}]}`,
		`{"a": [{"anything-but": {"wildcard": "**"}}]}`,
		`{"a": [{"numeric": ">"}]}`, `{"a": [{"numeric": []}]}`, `{"a": [{"numeric": [">"]}]}`, `{"a": [{"numeric": [">", "1"]}]}`, `{"a": [{"numeric": ["!=", 1]}]}`,
		`{"a": [{"numeric": ["<", 1, ">", 0]}]}`, `{"a": [{"numeric": [">", 5, "<", 1]}]}`, `{"a": [{"numeric": ["=", 5, "<", 9]}]}`, `{"a": [{"numeric": [1, 2]}]}`,
		`{"a": [{"numeric": [">", 1e999]}]}`, `{"a": [{"numeric": [">", 1, "<", 2, "<", 3]}]}`,
		`{"a": [{"cidr": "10.0.0.0"}]}`, `{"a": [{"cidr": "10.0.0.0/32"}]}`, `{"a": [{"cidr": "x/8"}]}`, `{"a": [{"cidr": 8}]}`,
		`{"$or": []}`, `{"$or": [{"a": [1]}]}`, `{"$or": [{"a": [1]}, "b"]}`, `{"$or": [{"a": [1]}, {}]}`, `{"$or": {"a": [1]}}`, `{"$or": "a"}`,
		`{"$or": [{"prefix": ["a"]}, {"b": [1]}]}`, `{"$or": [{"a": {"numeric": ["a"]}}, {"b": [1]}]}`,
	} {
		f, err := Compile([]string{`{"fine": [1]}`, pattern})
		var invalid *Error
		if !errors.As(err, &invalid) || f != nil || invalid.Pattern != pattern || invalid.Reason == "" {
			t.Errorf("%s: %v, want an error about it", pattern, err)
		} else if got := err.Error(); got != "Invalid filter pattern definition." {
			t.Errorf("%s: %s, which is not what AWS says", pattern, got)
		}
	}
}

func TestNoFilter(t *testing.T) {
	var none *Filter
	for _, f := range []*Filter{none, {}} {
		if !f.All() || !f.Match(nil) || !f.MatchData(nil, "body") || f.RequireJSON("data") != nil || len(f.Patterns()) != 0 {
			t.Error("no filter lets everything pass")
		}
	}
	f, err := Compile([]string{`{"a": [1]}`})
	if err != nil {
		t.Fatal(err)
	}
	if f.All() || strings.Join(f.Patterns(), "") != `{"a": [1]}` {
		t.Error("a filter knows its patterns")
	}
}

func reason(err error) string {
	var invalid *Error
	if errors.As(err, &invalid) {
		return invalid.Reason
	}
	return ""
}

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
