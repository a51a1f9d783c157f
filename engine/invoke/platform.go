package invoke

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// What the platform says around a call, as text or, with the log format JSON, as
// events whose levels are those that AWS gives them.

// start begins the log of a call.
func (w *worker) start(at time.Time, requestID string) {
	version := *w.fleet.version.Config.Version
	if w.journal.format == types.LogFormatJson {
		w.event(at, types.SystemLogLevelInfo, "start", startRecord{requestID, version})
		return
	}
	w.line(at, fmt.Sprintf("START RequestId: %s Version: %s", requestID, version))
}

// end ends it. What is billed beyond the duration is extra; the init is told if
// there was one, and the status of calls that did not end well.
func (w *worker) end(requestID string, r sandbox.Result, extra, init time.Duration, status string) {
	now, memory := time.Now(), *w.fleet.version.Config.MemorySize
	cost := billed(r.Duration+extra, w.fleet.invoker.Catalog.Limits.BillingStep)
	if w.journal.format == types.LogFormatJson {
		w.endEvents(now, requestID, status, figures{
			Duration: rounded(r.Duration), Billed: cost, Memory: memory, MaxMemory: r.MaxMemoryMB, Init: rounded(init),
		})
		return
	}
	w.line(now, "END RequestId: "+requestID)
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		requestID, milliseconds(r.Duration), cost, memory, r.MaxMemoryMB)
	if init > 0 {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", milliseconds(init))
	}
	if status != "" {
		line += "\tStatus: " + status
	}
	w.line(now, line)
}

// initBegan and initDone tell of an init ahead of any call, to those who want to know.
func (w *worker) initBegan() {
	if w.journal.format == types.LogFormatJson {
		w.event(time.Now(), types.SystemLogLevelDebug, "initStart", initStartRecord{
			w.initType(), "init", w.fleet.function.Name, *w.fleet.version.Config.Version,
		})
	}
}

func (w *worker) initDone() {
	if w.journal.format != types.LogFormatJson {
		return
	}
	level := types.SystemLogLevelDebug
	if w.kept {
		level = types.SystemLogLevelInfo
	}
	now := time.Now()
	w.event(now, types.SystemLogLevelDebug, "initRuntimeDone", initRecord{Type: w.initType(), Phase: "init", Status: "success"})
	w.event(now, level, "initReport", initRecord{w.initType(), "init", "success", "", &figures{Duration: rounded(w.env.InitDuration())}})
}

// initEnded tells of an init that has failed.
func (w *worker) initEnded(took time.Duration, phase, status string) {
	now := time.Now()
	if w.journal.format == types.LogFormatJson {
		kind, errorType := statusOf(status)
		w.event(now, types.SystemLogLevelWarn, "initReport", initRecord{
			w.initType(), phase, kind, errorType, &figures{Duration: rounded(took)},
		})
		return
	}
	w.line(now, fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", milliseconds(took), phase, status))
}

func (w *worker) initType() string {
	if w.kept {
		return "provisioned-concurrency"
	}
	return "on-demand"
}

// Records of the events.
type (
	startRecord struct {
		RequestID string `json:"requestId"`
		Version   string `json:"version"`
	}
	endRecord struct {
		RequestID string  `json:"requestId"`
		Metrics   figures `json:"metrics"`
		Status    string  `json:"status"`
		ErrorType string  `json:"errorType,omitempty"`
	}
	initStartRecord struct {
		Type     string `json:"initializationType"`
		Phase    string `json:"phase"`
		Function string `json:"functionName"`
		Version  string `json:"functionVersion"`
	}
	initRecord struct {
		Type      string   `json:"initializationType"`
		Phase     string   `json:"phase"`
		Status    string   `json:"status"`
		ErrorType string   `json:"errorType,omitempty"`
		Metrics   *figures `json:"metrics,omitempty"`
	}
	figures struct {
		Duration  float64 `json:"durationMs"`
		Billed    int64   `json:"billedDurationMs,omitempty"`
		Memory    int32   `json:"memorySizeMB,omitempty"`
		MaxMemory int     `json:"maxMemoryUsedMB,omitempty"`
		Init      float64 `json:"initDurationMs,omitempty"`
	}
)

func (w *worker) endEvents(now time.Time, requestID, status string, m figures) {
	kind, errorType := statusOf(status)
	done, report := types.SystemLogLevelDebug, types.SystemLogLevelInfo
	if kind != "success" {
		done, report = types.SystemLogLevelWarn, types.SystemLogLevelWarn
	}
	w.event(now, done, "runtimeDone", endRecord{requestID, figures{Duration: m.Duration}, kind, errorType})
	w.event(now, report, "report", endRecord{requestID, m, kind, errorType})
}

// statusOf takes apart what REPORT says of the status.
func statusOf(status string) (kind, errorType string) {
	if status == "" {
		return "success", ""
	}
	kind, errorType, _ = strings.Cut(status, "\tError Type: ")
	return kind, errorType
}

// event adds an event of the platform, if its level is high enough.
func (w *worker) event(at time.Time, level types.SystemLogLevel, kind string, record any) {
	if rank(string(level)) < rank(string(w.journal.system)) {
		return
	}
	text, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{at.UTC().Format("2006-01-02T15:04:05.000Z"), "platform." + kind, record})
	if err == nil { // structs of texts and numbers do marshal
		w.line(at, string(text))
	}
}

// rounded is a duration in milliseconds as events show it.
func rounded(d time.Duration) float64 { return math.Round(milliseconds(d)*1000) / 1000 }

// levels are those of logs, from the lowest.
var levels = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

// otherLevels are what some runtimes call them.
var otherLevels = map[string]string{"WARNING": "WARN", "CRITICAL": "FATAL", "INFORMATION": "INFO"}

// rank orders levels; -1 is none of them.
func rank(level string) int {
	if known, ok := otherLevels[strings.ToUpper(level)]; ok {
		level = known
	}
	for i, l := range levels {
		if strings.EqualFold(l, level) {
			return i
		}
	}
	return -1
}

// below tells whether a line is an object of JSON whose level is lower than it must
// be. One that does not tell its level, or not when it was written, has the level
// INFO. Other lines have no level: AWS neither filters nor wraps them.
func below(text string, lowest types.ApplicationLogLevel) bool {
	if len(text) == 0 || text[0] != '{' || rank(string(lowest)) <= 0 {
		return false
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &fields) != nil {
		return false
	}
	level, timed := -1, false
	for name, raw := range fields {
		var value string
		if json.Unmarshal(raw, &value) != nil {
			continue
		}
		switch strings.ToLower(name) {
		case "level":
			level = rank(value)
		case "timestamp", "time", "@timestamp":
			_, err := time.Parse(time.RFC3339Nano, value)
			timed = timed || err == nil
		}
	}
	if level < 0 || !timed {
		level = rank("INFO")
	}
	return level < rank(string(lowest))
}
