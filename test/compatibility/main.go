// Command compatibility writes docs/compatibility.md: every operation of the API
// models, whether the engine serves it, and who has called it in the tests.
//
// The engine logs each request that it serves; the tests keep those logs in
// $COMPATIBILITY_DIR, which is this command's argument. See `make compatibility`.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/test/served"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: compatibility DIR, the directory with the logs of a test run")
	}
	seen, err := readLogs(os.Args[1])
	if err != nil {
		return err
	}
	services, err := served.Services()
	if err != nil {
		return err
	}
	fmt.Print(table(services, seen))
	return nil
}

// callers are the clients and tests that have called an operation.
type callers struct {
	clients map[string]bool
	tests   map[string]bool
}

var attribute = regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*"|\S+)`)

// readLogs collects who has called what, by service and operation.
func readLogs(dir string) (map[string]callers, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no logs in %s: %w", dir, err)
	}
	seen := map[string]callers{}
	for _, name := range files {
		if err := readLog(name, seen); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

func readLog(name string, seen map[string]callers) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	tests := map[string]string{} // by account
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(lines.Text(), -1) {
			line[m[1]] = strings.Trim(m[2], `"`)
		}
		switch line["msg"] {
		case "test":
			test, _, _ := strings.Cut(line["name"], "/")
			tests[line["account"]] = test
		case "served":
			if line["status"] == "501" {
				continue
			}
			key := line["service"] + "." + line["operation"]
			c, ok := seen[key]
			if !ok {
				c = callers{map[string]bool{}, map[string]bool{}}
				seen[key] = c
			}
			if client := clientOf(line["client"]); client != "" {
				c.clients[client] = true
			}
			if test := tests[line["account"]]; test != "" {
				c.tests[test] = true
			}
		}
	}
	return lines.Err()
}

// clientOf reads a User-Agent.
func clientOf(agent string) string {
	for _, known := range []struct{ mark, name string }{
		{"terraform-provider-aws/", "hashicorp/aws"}, {"aws-cli/", "aws CLI"}, {"Boto3/", "boto3"}, {"aws-sdk-js/", "JavaScript SDK"}, {"aws-sdk-go-v2/", "Go SDK"},
	} {
		if strings.Contains(agent, known.mark) {
			return known.name
		}
	}
	return ""
}

func table(services []served.Service, seen map[string]callers) string {
	var b strings.Builder
	b.WriteString("# Compatibility\n\n" +
		"Every operation of the API models that the engine is built from. An operation that is not served answers 501\n" +
		"`NotImplementedException` and its own name; none answers a made-up success. Clients and tests are those that have\n" +
		"called the operation in the test run that wrote this page (`make compatibility`).\n")
	calls := map[string]int{} // how many operations a test calls
	for _, c := range seen {
		for test := range c.tests {
			calls[test]++
		}
	}
	for _, s := range services {
		count := 0
		var rows strings.Builder
		for _, op := range s.Operations {
			if !op.Served {
				fmt.Fprintf(&rows, "| %s | no | | |\n", op.Name)
				continue
			}
			count++
			c := seen[s.Name+"."+op.Name]
			fmt.Fprintf(&rows, "| %s | yes | %s | %s |\n", op.Name, strings.Join(slices.Sorted(maps.Keys(c.clients)), ", "), closest(c.tests, calls))
		}
		fmt.Fprintf(&b, "\n## %s\n\n%d of %d operations are served.\n\n| operation | served | clients | tests |\n|---|---|---|---|\n%s", s.Name, count, len(s.Operations), &rows)
	}
	return b.String()
}

// shown is how many tests of an operation are named.
const shown = 3

// closest names the tests that are most about an operation: those that call the
// fewest different ones.
func closest(tests map[string]bool, calls map[string]int) string {
	names := slices.SortedFunc(maps.Keys(tests), func(a, b string) int {
		return cmp.Or(cmp.Compare(calls[a], calls[b]), strings.Compare(a, b))
	})
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), more)
	}
	return strings.Join(names, ", ")
}
