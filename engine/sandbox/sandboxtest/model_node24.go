package sandboxtest

import (
	"strings"
	"testing"
)

// modelNode24 is what changes with Node.js 24, for which AWS's interface client is the
// fourth: it has neither callbacks nor a view of the event loop, and finds what is
// exported by default.
func (s Suite) modelNode24(t *testing.T) {
	const runtime = "nodejs24.x"
	s.births(t, runtime, []birth{
		{name: "returns", files: map[string]string{"app.js": "exports.handler = () => 5;"}, handler: "app.handler", want: `5`},
		{name: "exported by default", files: map[string]string{"app.mjs": "export default { handler: async () => 'default' };"}, handler: "app.handler", want: `"default"`},
		{
			name: "context", files: map[string]string{"app.mjs": "export const handler = async (event, context) => Object.keys(context).sort().join();"}, handler: "app.handler",
			want: `"awsRequestId,clientContext,functionName,functionVersion,getRemainingTimeInMillis,identity,invokedFunctionArn,logGroupName,logStreamName,memoryLimitInMB,tenantId,xRayTraceId"`,
		},
		{
			name: "callback", files: map[string]string{"app.js": "exports.handler = (event, context, callback) => callback(null, 1);"}, handler: "app.handler",
			kind: "Runtime.CallbackHandlerDeprecated", message: "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.*",
		},
		{name: "missing", files: map[string]string{}, handler: "app.handler", kind: "Runtime.ImportModuleError", message: "Error: Cannot find module 'app'.*"},
	})
	t.Run("invocations", func(t *testing.T) {
		f := Function{Name: "node24", Runtime: runtime, Handler: "app.handler", Dir: directory(t, map[string]string{"app.mjs": node24})}
		s.ways(t, f, []way{
			{do: "log", want: `null`, log: []string{`TIME\tID\tINFO\thello`}},
			{do: "throw", outcome: failed, kind: "RangeError", message: "no", log: []string{`TIME\tID\tERROR\tInvoke Error \t\{"errorType":"RangeError",.*`}},
			{do: "circular", outcome: failed, kind: "Runtime.JSONStringifyError", message: "Unable to stringify response body"},
			{do: "uncaught", outcome: exited, exit: "exit status 1"},
			{do: "never", outcome: exited, exit: "exit status 0"},
		}, reserved)
	})
	t.Run("init log", func(t *testing.T) {
		f := Function{Name: "node24", Runtime: runtime, Handler: "app.handler", Dir: directory(t, map[string]string{"app.mjs": "throw new Error('no start');"})}
		spec, lines := f.Spec()
		_, err := s.Driver.Start(t.Context(), spec)
		if log := lines.Of(""); err == nil || len(log) == 0 || !strings.Contains(log[0], "\t-\tERROR\tInit Error \t{\"errorType\":\"Error\",\"errorMessage\":\"no start\"") {
			t.Errorf("%v, log %q", err, log)
		}
	})
}

const node24 = `const ways = {
  log: () => console.log("hello"),
  throw: async () => { throw new RangeError("no"); },
  circular: async () => { const ring = {}; ring.ring = ring; return ring; },
  uncaught: async () => { setTimeout(() => { throw new Error("nobody catches"); }, 1); await new Promise((done) => setTimeout(done, 5000)); },
  never: () => new Promise(() => {}),
};
export const handler = (event) => ways[event.do]();
`
