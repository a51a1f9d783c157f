package invoke

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// What the filter of levels makes of the lines that functions print (docs of AWS: log-level filtering).
func TestBelow(t *testing.T) {
	const stamp = `"timestamp":"2024-11-02T16:51:31.587199Z"`
	for _, c := range []struct {
		line   string
		lowest types.ApplicationLogLevel
		want   bool
	}{
		{`{"level":"debug",` + stamp + `}`, "INFO", true},
		{`{"level":"INFO",` + stamp + `}`, "INFO", false},
		{`{"level":"INFO",` + stamp + `}`, "WARN", true},
		{`{"level":"WARNING",` + stamp + `}`, "WARN", false},
		{`{"level":"CRITICAL",` + stamp + `}`, "FATAL", false},
		{`{"level":"fatal","time":"2024-11-02T16:51:31Z"}`, "FATAL", false},
		{`{"level":"error","timestamp":"yesterday"}`, "WARN", true}, // INFO, as nobody knows when it was
		{`{"level":"debug"}`, "INFO", false},
		{`{"level":5,` + stamp + `}`, "WARN", true},
		{`{` + stamp + `}`, "INFO", false},
		{`{"level":"trace",` + stamp + `}`, "TRACE", false},
		{`{"level":"trace",` + stamp + `}`, "", false},
		{`{"level":"debug",` + stamp, "FATAL", false}, // no JSON
		{`DEBUG plain`, "FATAL", false},
		{``, "FATAL", false},
	} {
		if got := below(c.line, c.lowest); got != c.want {
			t.Errorf("%s is below %s: %v", c.line, c.lowest, got)
		}
	}
}
