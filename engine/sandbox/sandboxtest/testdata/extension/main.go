// The test's extension. What it does is in its name: words between dashes. What
// happens to it is what it prints, each line after its name.
//
//	plain      has INVOKE and SHUTDOWN
//	quiet      has SHUTDOWN only
//	telemetry  subscribes to platform and function events, over HTTP
//	logs       does so through the Logs API, with PUT
//	tcp        does so over TCP
//	slow       takes 400 ms for each INVOKE
//	stuck      never asks for the event after an INVOKE
//	crashes    exits with status 3 at an INVOKE
//	resigns    says so before it does
//	exits      exits with status 4 before it registers
//	fails      reports an error of its init
//	stubborn   does not end at SHUTDOWN
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	name = filepath.Base(os.Args[0])
	id   string
)

func is(word string) bool {
	for part := range strings.SplitSeq(name, "-") {
		if part == word {
			return true
		}
	}
	return false
}

func say(format string, args ...any) { fmt.Printf(name+" "+format+"\n", args...) }

func main() {
	if is("exits") {
		os.Exit(4)
	}
	events := `["INVOKE","SHUTDOWN"]`
	if is("quiet") {
		events = `["SHUTDOWN"]`
	}
	_, task := os.LookupEnv("LAMBDA_TASK_ROOT")
	_, handler := os.LookupEnv("_HANDLER")
	say("knows %s, task root %v, handler %v", os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), task, handler)
	body, header := call("POST", "/2020-01-01/extension/register", `{"events":`+events+`}`,
		"Lambda-Extension-Name", name, "Lambda-Extension-Accept-Feature", "accountId")
	id = header.Get("Lambda-Extension-Identifier")
	say("registered %s", body)
	if is("fails") {
		call("POST", "/2020-01-01/extension/init/error", "", "Lambda-Extension-Function-Error-Type", "My.Error")
		os.Exit(5)
	}
	subscribe()
	for {
		body, _ := call("GET", "/2020-01-01/extension/event/next", "")
		say("event %s", body)
		var event struct{ EventType string }
		_ = json.Unmarshal([]byte(body), &event)
		if event.EventType == "SHUTDOWN" {
			if is("stubborn") {
				select {}
			}
			return
		}
		switch {
		case is("slow"):
			time.Sleep(400 * time.Millisecond)
		case is("stuck"):
			select {}
		case is("resigns"):
			call("POST", "/2020-01-01/extension/exit/error", "", "Lambda-Extension-Function-Error-Type", "My.Error")
			os.Exit(6)
		case is("crashes"):
			os.Exit(3)
		}
	}
}

func subscribe() {
	path, schema, destination := "/2022-07-01/telemetry", "2022-07-01", `"protocol":"HTTP","URI":"http://sandbox.localdomain:%d/events?x=1"`
	switch {
	case is("logs"):
		path, schema = "/2020-08-15/logs", "2021-03-18"
		destination += `,"method":"PUT","encoding":"JSON"`
	case is("tcp"):
		destination = `"protocol":"TCP","port":%d`
	case !is("telemetry"):
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	if is("tcp") {
		go listen(ln)
	} else {
		go func() { _ = http.Serve(ln, http.HandlerFunc(receive)) }()
	}
	body, _ := call("PUT", path, fmt.Sprintf(`{"schemaVersion":%q,"types":["platform","function"],"buffering":{"timeoutMs":25},"destination":{%s}}`,
		schema, fmt.Sprintf(destination, ln.Addr().(*net.TCPAddr).Port)))
	say("subscribed %s", body)
}

func listen(ln net.Listener) {
	conn, err := ln.Accept()
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		say("telemetry %s", lines.Text())
	}
}

func receive(_ http.ResponseWriter, r *http.Request) {
	var events []json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
		say("cannot read telemetry: %v", err)
	}
	for _, event := range events {
		say("telemetry %s %s %s", r.Method, r.RequestURI, event)
	}
}

// call makes a request of the extension's, and does not care how it ends.
func call(method, path, body string, headers ...string) (string, http.Header) {
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Lambda-Extension-Identifier", id)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	return string(data), res.Header
}
