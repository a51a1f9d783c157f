package sandboxtest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// ruby proves the handlers and errors of Ruby functions.
func (s Suite) ruby(t *testing.T) {
	if !has(t, "ruby") {
		t.Skip("there is no Ruby")
	}
	function := func(handler string) Function {
		f := Ruby()
		f.Handler = handler
		return f
	}
	t.Run("class", func(t *testing.T) {
		s.start(t, function("app.Greeting::Polite.greet")).want(`{"name":"Ada"}`, `"Hello Ada."`)
	})
	t.Run("bytes", func(t *testing.T) {
		if res, _ := s.start(t, function("app.bytes")).invoke(`{}`); res.Outcome != sandbox.Success || string(res.Payload) != "<not json>" {
			t.Errorf("outcome %d, payload %s", res.Outcome, res.Payload)
		}
	})
	t.Run("error", func(t *testing.T) {
		b := s.start(t, Ruby())
		res, id := b.invoke(`{"op":"raise","why":"today"}`)
		var body struct {
			ErrorMessage, ErrorType string
			StackTrace              []string
		}
		_ = json.Unmarshal(res.Payload, &body)
		if res.ErrorType != "Function<ArgumentError>" || body.ErrorMessage != "no good: today" || len(body.StackTrace) != 1 || !strings.Contains(body.StackTrace[0], "app.rb:") {
			t.Errorf("type %s, payload %s", res.ErrorType, res.Payload)
		}
		if log := b.lines.Of(id); len(log) != 2 || log[0] != "Error raised from handler method" || !strings.Contains(log[1], "\n  \"errorMessage\": \"no good: today\"") {
			t.Errorf("log %q", log)
		}
	})
	t.Run("critical", func(t *testing.T) {
		b := s.start(t, function("app.critical"))
		if res, _ := b.invoke(`{}`); res.ErrorType != "Function<NoMethodError>" {
			t.Errorf("outcome %d, type %s, payload %s", res.Outcome, res.ErrorType, res.Payload)
		}
		b.dies()
	})
	for handler, want := range map[string]string{"app": "Init<ArgumentError>", "absent.handler": "Init<LoadError>", "app.handler": "Init<RuntimeError>"} {
		t.Run("init/"+handler, func(t *testing.T) {
			spec, lines := function(handler).Spec()
			spec.Env["BREAK"] = "1"
			_, err := s.Driver.Start(t.Context(), spec)
			var failed *sandbox.InitError
			if !errors.As(err, &failed) || !strings.Contains(string(failed.Payload), `"errorType":"`+want+`"`) {
				t.Errorf("error %v: %+v (log %q)", err, failed, lines.Of(""))
			}
		})
	}
}
