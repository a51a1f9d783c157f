package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
)

func (a *app) statusCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Tell whether the engine runs, and what it has running",
		Example: "  terraform-provider-lambda engine status -o json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return usageError{fmt.Errorf("unknown output %q: use text or json", output)}
			}
			health, err := daemon.Find(cmd.Context(), daemon.Options{Endpoint: a.endpoint})
			if err != nil {
				return err
			}
			status, err := a.status(cmd.Context())
			if err != nil { // a strict engine tells strangers no more than its health
				fmt.Fprintf(cmd.ErrOrStderr(), "What it has running is not shown: %v\n", err)
				status = &engine.Status{}
			}
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
					*daemon.Health
					*engine.Status
				}{health, status})
			}
			return a.printStatus(cmd.OutOrStdout(), health, status)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

// status asks the engine what it has running.
func (a *app) status(ctx context.Context) (*engine.Status, error) {
	response, err := a.get(ctx, engine.StatusPath)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	defer response.Body.Close()
	var status engine.Status
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return nil, fmt.Errorf("read the engine's status: %w", err)
	}
	return &status, nil
}

func (a *app) printStatus(out io.Writer, health *daemon.Health, status *engine.Status) error {
	fmt.Fprintf(out, "endpoint  %s\nversion   %s\nprocess   %d\ndriver    %s\ndata      %s\ncallers   %s\n",
		a.endpoint, health.Version, health.PID, health.Driver, health.DataDir, callers(health))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(status.Environments) > 0 {
		fmt.Fprintln(w, "\nFUNCTION\tENVIRONMENTS\tBUSY\tPROVISIONED\tCALLS WAITING")
	}
	for _, e := range status.Environments {
		_, name, _ := strings.Cut(e.Function, ":function:")
		fmt.Fprintf(w, "%s:%s\t%d\t%d\t%d\t%d\n", name, e.Version, e.Total, e.Total-e.Idle, e.Provisioned, e.Booting)
	}
	if len(status.Pool) > 0 {
		fmt.Fprintln(w, "\nPOOL\tREADY\tCOMING\t/TMP")
	}
	for _, s := range status.Pool {
		size := "not limited"
		if s.TmpMB > 0 {
			size = fmt.Sprintf("%d MB", s.TmpMB)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", s.Image, s.Ready, s.Coming, size)
	}
	printMappings(w, status.Mappings)
	if len(status.Companions) > 0 {
		fmt.Fprintln(w, "\nCOMPANION\tENDPOINT\tIMAGE\tSTATE\tRESTARTS")
	}
	for _, c := range status.Companions {
		state := "restarting"
		if c.Serves {
			state = "serves"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", c.Service, c.Endpoint, c.Image, state, c.Restarts)
	}
	return w.Flush()
}

// maxResult is how much is shown of a mapping's last result.
const maxResult = 60

// printMappings tells how far each mapping is behind.
func printMappings(w io.Writer, mappings []engine.MappingStatus) {
	if len(mappings) > 0 {
		fmt.Fprintln(w, "\nEVENT SOURCE MAPPING\tFUNCTION\tSTATE\tSHARD\tWAITING\tBEHIND\tLAST RESULT")
	}
	slices.SortFunc(mappings, func(a, b engine.MappingStatus) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Function, b.Function))
	})
	for _, m := range mappings {
		if result := []rune(m.Result); len(result) > maxResult {
			m.Result = string(result[:maxResult]) + "…"
		}
		_, function, _ := strings.Cut(m.Function, ":function:")
		source := m.Source[strings.LastIndex(m.Source, ":")+1:]
		if len(m.Lag) == 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\t-\t-\t-\t%s\n", source, function, m.State, m.Result)
		}
		for _, l := range m.Lag {
			behind := l.Behind.Round(time.Millisecond).String()
			if l.Shard == "" {
				l.Shard, behind = "-", "-"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", source, function, m.State, l.Shard, l.Records, behind, m.Result)
		}
	}
}

// get asks the engine for something of its own. A status other than 200 is an error.
func (a *app) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.endpoint+path, nil)
	if err != nil {
		return nil, usageError{fmt.Errorf("endpoint %s: %w", a.endpoint, err)}
	}
	if err := a.sign(request); err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		var answer struct{ Message string }
		_ = json.NewDecoder(response.Body).Decode(&answer)
		return nil, fmt.Errorf("the engine answers %s: %s", response.Status, answer.Message)
	}
	return response, nil
}
