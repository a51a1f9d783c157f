package pattern_test

import (
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/pattern"
)

func TestMatch(t *testing.T) {
	const (
		access = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
		event  = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],"n":5,"f":1.5,"text":"5",` +
			`"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"ThisFlag":true,"Off":false,"a b":{"c-d":"x y"},"big":{"x":{"k":"v"}}}`
	)
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"  ", "", true},
		{"ERROR", "[ERROR 400] BAD REQUEST", true},
		{"error", "[ERROR 400] BAD REQUEST", false},
		{"ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", true},
		{"ERROR ARGUMENTS", "[ERROR 401] UNAUTHORIZED REQUEST", false},
		{"?ERROR ?WARN", "[WARN] x", true},
		{"?ERROR ?WARN", "[INFO] x", false},
		{"?ERROR x", "[INFO] x", true}, // AWS ignores ? beside others
		{`"INTERNAL SERVER ERROR"`, "500 INTERNAL SERVER ERROR", true},
		{`"INTERNAL SERVER ERROR"`, "500 INTERNAL ERROR", false},
		{`"say \"hi\""`, `they say "hi"`, true},
		{"ERROR -EXITING", "ERROR: code", true},
		{"ERROR -EXITING", "ERROR: EXITING", false},
		{`-"two words"`, "two words", false},
		{`-"two words"`, "words", true},
		{"-EXITING", "fine", true},
		{`%Task timed out after \d+%`, "1 Task timed out after 3.00 seconds", true},
		{`%Task timed out after \d+%`, "Task timed out after all", false},
		{"-%[45]\\d\\d%", "status 503", false},
		{"REPORT -%Duration: \\d\\.%", "REPORT Duration: 1.5", false},

		{`{ $.eventType = "UpdateTrail" }`, event, true},
		{`{ $.eventType = UpdateTrail }`, event, true},
		{`{$.eventType="Update*"}`, event, true},
		{`{ $.eventType = "*Trail" }`, event, true},
		{`{ $.eventType = "U*T*l" }`, event, true},
		{`{ $.eventType = "Delete*" }`, event, false},
		{`{ $.eventType != "UpdateTrail" }`, event, false},
		{`{ $.eventType != "x" }`, event, true},
		{`{ $.missing != "x" }`, event, false},
		{`{ $.sourceIPAddress != 123.123.* }`, event, true},
		{`{ $.arrayKey[0] = "value" }`, event, true},
		{`{ $.arrayKey[1] = "value" }`, event, false},
		{`{ $.arrayKey[7] = "value" }`, event, false},
		{`{ $.arrayKey[*] = "another value" }`, event, true},
		{`{ $.objectList[1].id = 2 }`, event, true},
		{`{ $.objectList[*].id >= 2 }`, event, true},
		{`{ $.objectList[*].id > 2 }`, event, false},
		{`{ $.big.*.k = "v" }`, event, true},
		{`{ $["a b"]["c-d"] = "x y" }`, event, true},
		{`{ $["a b"].c-d = "x y" }`, event, true},
		{`{ $.['a b'].['c-d'] = "x y" }`, event, true}, // AWS's notation
		{`{ $.['cluster.name'] = "c" }`, `{"cluster.name": "c"}`, true},
		{`{ $.['cluster.name'] = "c" }`, `{"cluster": {"name": "c"}}`, false},
		{`{ $.SomeObject IS NULL }`, event, true},
		{`{ $.eventType IS NULL }`, event, false},
		{`{ $.missing IS NULL }`, event, false},
		{`{ $.missing NOT EXISTS }`, event, true},
		{`{ $.SomeObject NOT EXISTS }`, event, false},
		{`{ $.SomeObject exists }`, event, true},
		{`{ $.ThisFlag IS TRUE }`, event, true},
		{`{ $.ThisFlag IS FALSE }`, event, false},
		{`{ $.Off is false }`, event, true},
		{`{ $.ThisFlag = true }`, event, true},
		{`{ $.n = 5 }`, event, true},
		{`{ $.n = 5.0 }`, event, true},
		{`{ $.n > 4.9 && $.n < 5.1 }`, event, true},
		{`{ $.n >= 5e0 && $.n <= 5 }`, event, true},
		{`{ $.n != 5 }`, event, false},
		{`{ $.f = 1.5 }`, event, true},
		{`{ $.f = 1.* }`, event, true},
		{`{ $.text > 4 }`, event, false},
		{`{ $.text = 5 }`, event, true},
		{`{ $.n = "x" || ($.n = 5 && $.f = 1.5) }`, event, true},
		{`{ ($.n = 5 || $.n = 6) && $.f = 2 }`, event, false},
		{`{ $.n = 5 || $.n = 6 && $.f = 2 }`, event, true},
		{`{ $.eventType = %^Update[A-Z]% }`, event, true},
		{`{ $.eventType != %^Update[A-Z]% }`, event, false},
		{`{ $.eventType = "UpdateTrail" }`, "not JSON: " + event, false},
		{`{ $.eventType = "UpdateTrail" }`, event + " {}", false},
		{`{ $[0] = "x" }`, `["x"]`, true},

		{`[ip, server, username, timestamp, request, status_code, bytes]`, access, true},
		{`[ip, server, username, timestamp, request, status_code]`, access, false},
		{`[ip, ..., status_code = 4*, bytes]`, access, true},
		{`[ip, ..., status_code = 5*, bytes]`, access, false},
		{`[ip, ..., status_code = 404, bytes > 1000]`, access, true},
		{`[ip, ..., status_code = 404, bytes > 2000]`, access, false},
		{`[ip, server, username = "frank", ...]`, access, true},
		{`[ip, server, username != frank, ...]`, access, false},
		{`[ip=%127\.0\.0\.[1-9]%, ...]`, access, true},
		{`[..., request = "GET *", status_code, bytes]`, access, true},
		{`[..., code = 404 || code = 410, bytes]`, access, true},
		{`[..., code != 404 && code != 410, bytes]`, access, false},
		{`[..., (code > 400 && code < 500) || code = 200, bytes]`, access, true},
		{`[..., a, b, c, d, e, f, g, h]`, access, false},
		{`[ , server, ...]`, access, true},
		{`[...]`, "", true},
	} {
		p, err := pattern.Parse(c.pattern)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := p.Match(c.message); got != c.want {
			t.Errorf("%s matches %q: %v", c.pattern, c.message, got)
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, text := range []string{
		"{", "{}", "{ $ }", "{ $. = 1 }", "{ $.a }", "{ $.a = }", "{ $.a = 1", "{ $.a = 1 } x", "{ a = 1 }", `{ $.a = "x }`, `{ $.a > "x" }`, "{ $.a < x }",
		"{ $.a IS }", "{ $.a IS x }", "{ $.a NOT }", "{ $.a = 1 && }", "{ ($.a = 1 }", "{ $.a[ = 1 }", "{ $.a[x] = 1 }", "{ $.a[-1] = 1 }", "{ $.a = %x }", "{ $.a = %[% }",
		"[", "[a, b", "[a, ..., ...]", "[a = ]", "[a > x]", "[a = 1 || b = 2]", "[a] x", "[a = 1 || (]",
		`"x`, "%x", "%(%", "%%", "-", "?", "x - y", "%a% %b% %c%",
	} {
		if _, err := pattern.Parse(text); err == nil {
			t.Errorf("%q is valid", text)
		}
	}
}

// Whatever people write, it is a pattern or an error, and matches in finite time.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`ERROR -"x y" ?z %a+%`, `{ $.a.b[0]["c"].* = "x*" && ($.n >= 3 || $.m IS NULL) || $.x NOT EXISTS }`, `[a, b = 1 || b = 2*, ..., c != %x%]`} {
		f.Add(seed, `{"a":{"b":[{"c":{"d":"x1"}}]},"n":4}`)
		f.Add(seed, `1 2 [three four] "five`)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		if len(text) > 1024 {
			return
		}
		p, err := pattern.Parse(text)
		if err != nil {
			if !strings.Contains(err.Error(), "filter pattern") {
				t.Errorf("%v", err)
			}
			return
		}
		p.Match(message)
		if p.All() != (strings.TrimSpace(text) == "") {
			t.Errorf("%q matches all: %v", text, p.All())
		}
		if again, err := pattern.Parse("  " + text + "\n"); err != nil || again.Match(message) != p.Match(message) {
			t.Errorf("%q is another pattern with spaces around it: %v", text, err)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	const message = `{"time":"2026-11-24T10:00:00.000Z","type":"platform.report","record":{"requestId":"6f747a00-0000-4000-8000-000000000000","metrics":{"durationMs":12.5},"status":"success"}}`
	for name, text := range map[string]string{"term": "success -failure", "json": "{ $.record.metrics.durationMs > 100 }"} {
		p, err := pattern.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p.Match(message)
			}
		})
	}
}
