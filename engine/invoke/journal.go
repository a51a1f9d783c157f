package invoke

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
)

// tailBytes is how much log a caller gets back.
const tailBytes = 4096

// journal is the log of one environment: a stream of the function's log group, and
// the tail of the call that is running.
type journal struct {
	logs   *observe.Logs
	source observe.Source
	muted  bool // the role may not log: only the tail is kept
	format types.LogFormat
	lowest types.ApplicationLogLevel // of what the function prints as JSON
	system types.SystemLogLevel      // of what the platform says, with the format JSON

	mu   sync.Mutex
	last time.Time
	tail bytes.Buffer
}

// newJournal begins the log of an environment of f's version. The execution role
// decides whether anything gets into it, and whether it may make the group; the
// function does not notice (mission R03).
func newJournal(f *fleet) *journal {
	config := f.version.Config
	logging := config.LoggingConfig
	j := &journal{
		logs: f.invoker.Logs, format: logging.LogFormat, lowest: logging.ApplicationLogLevel, system: logging.SystemLogLevel,
		source: observe.Source{
			Account: f.function.Account, Region: f.function.Region, Group: *logging.LogGroup,
			Stream: streamName(f.function.Name, *config.Version, *logging.LogGroup),
		},
	}
	if f.invoker.Role == nil {
		return j
	}
	role := f.invoker.Role(value(config.Role))
	group := observe.Group{Account: j.source.Account, Region: j.source.Region, Name: j.source.Group}.ARN()
	stream := group + ":log-stream:" + j.source.Stream
	j.muted = !role.Allows("logs:CreateLogStream", group, group+":*", stream) || !role.Allows("logs:PutLogEvents", stream)
	j.source.Existing = !role.Allows("logs:CreateLogGroup", group, group+":*", group+":log-stream:")
	return j
}

// streamName makes the name of an environment's log stream. In a group that is not
// its own a function's name is part of it, as others may log there too.
func streamName(function, version, group string) string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	if group == observe.FunctionGroup(function) {
		function = ""
	}
	return fmt.Sprintf("%s/%s[%s]%s", time.Now().UTC().Format("2006/01/02"), function, version, hex.EncodeToString(id[:]))
}

// line adds a line to the log, and to the tail of the call that is running. Lines
// stay in order: none is earlier than the one before, whatever its clock says.
func (j *journal) line(at time.Time, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if at.Before(j.last) {
		at = j.last
	}
	j.last = at
	if !j.muted {
		j.logs.Append(j.source, at, text)
	}
	j.tail.WriteString(text)
	j.tail.WriteByte('\n')
	if extra := j.tail.Len() - tailBytes; extra > tailBytes { // trim now and then, not at each line
		j.tail.Next(extra)
	}
}

// take returns the end of the log since the last call of it.
func (j *journal) take() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	if extra := j.tail.Len() - tailBytes; extra > 0 {
		j.tail.Next(extra)
	}
	tail := bytes.Clone(j.tail.Bytes())
	j.tail.Reset()
	return tail
}

// line adds a line to the environment's log.
func (w *worker) line(at time.Time, text string) { w.journal.line(at, text) }

// takeTail returns the end of the log since the last call of it.
func (w *worker) takeTail() []byte { return w.journal.take() }

// printed adds what the function has printed, if its level is high enough.
func (w *worker) printed(at time.Time, text string) {
	if w.journal.format == types.LogFormatJson && below(text, w.journal.lowest) {
		return
	}
	w.line(at, text)
}
