package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
)

func (a *app) engineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "engine",
		Short: "Run AWS Lambda on this machine",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return usageError{errors.New("a command is missing")}
		},
	}
	cmd.AddCommand(a.startCommand(), a.stopCommand(), a.statusCommand(), a.envCommand())
	return cmd
}

func (a *app) startCommand() *cobra.Command {
	var detach, verbose bool
	var file string
	flags := settings{}
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start the engine",
		Long:  "Runs the engine until it is interrupted; with -d in the background, once it answers.",
		Example: `  terraform-provider-lambda engine start -d
  terraform-provider-lambda engine start --driver process --data-dir ./.lambda
  terraform-provider-lambda engine start --with dynamodb`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(file, flags)
			if err != nil {
				return err
			}
			if detach {
				args, err := forwarded(cmd, file)
				if err != nil {
					return err
				}
				return a.detach(cmd, config, args)
			}
			return a.serve(cmd, config, verbose)
		},
	}
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, "return once the engine serves, and leave it running")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log more")
	cmd.Flags().StringVar(&flags.Listen, "listen", "", "address to listen on (default 127.0.0.1:4574)")
	cmd.Flags().StringVar(&flags.DataDir, "data-dir", "", "directory of all state ($LAMBDA_ENGINE_DATA_DIR; default in the user's state directory)")
	cmd.Flags().StringVar(&flags.Driver, "driver", "", "docker, process or auto ($LAMBDA_ENGINE_DRIVER; default auto)")
	cmd.Flags().StringVar(&flags.Authentication, "authentication", "", "any, or strict to serve signed requests only (default any on loopback, strict beyond it)")
	cmd.Flags().StringSliceVar(&flags.With, "with", nil, "run a server beside the engine, in Docker: dynamodb, which is AWS's DynamoDB Local")
	cmd.Flags().StringVar(&file, "config", os.Getenv("LAMBDA_ENGINE_CONFIG"), "configuration file in HCL ($LAMBDA_ENGINE_CONFIG)")
	return cmd
}

// forwarded returns the flags of engine start that the detached engine needs too. It
// runs in another directory.
func forwarded(cmd *cobra.Command, file string) ([]string, error) {
	var args []string
	for _, name := range []string{"driver", "authentication", "verbose"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			args = append(args, "--"+name+"="+f.Value.String())
		}
	}
	with, err := cmd.Flags().GetStringSlice("with")
	if err != nil {
		return nil, err
	}
	for _, name := range with {
		args = append(args, "--with="+name)
	}
	if file == "" {
		return args, nil
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("find the configuration file: %w", err)
	}
	return append(args, "--config="+path), nil
}

func (a *app) detach(cmd *cobra.Command, c engine.Config, args []string) error {
	endpoint := a.endpoint
	if c.Listen != "" {
		endpoint = "http://" + c.Listen
	}
	o := daemon.Options{Endpoint: endpoint, DataDir: c.DataDir, Version: a.version, Args: args}
	if len(c.Companions) > 0 {
		o.Patience = 15 * time.Minute
		fmt.Fprintf(cmd.ErrOrStderr(), "Docker may have to pull an image first: see %s.\n", daemon.LogPath(c.DataDir))
	}
	health, err := daemon.Ensure(cmd.Context(), o)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "The engine answers at %s (process %d, driver %s, data in %s).\n", endpoint, health.PID, health.Driver, health.DataDir)
	if health.IssuedKey {
		fmt.Fprintln(cmd.ErrOrStderr(), "It serves only requests signed with its own key, which `engine env` prints.")
	}
	return nil
}

// serve runs the engine in this process until it is told to stop.
func (a *app) serve(cmd *cobra.Command, c engine.Config, verbose bool) error {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	syscall.Umask(0o022) // environments run as other users and must be able to read code
	c.Version = a.version
	c.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	began := time.Now()
	return engine.Run(cmd.Context(), c, func(e *engine.Engine) {
		c.Logger.Info("engine serves", "endpoint", e.URL(), "driver", e.Driver(), "data", c.DataDir, "authentication", e.Authentication(), "after", time.Since(began).Round(time.Millisecond))
	})
}

func (a *app) stopCommand() *cobra.Command {
	var dataDir string
	cmd := &cobra.Command{
		Use:     "stop",
		Short:   "Stop the engine",
		Long:    "Stops the engine and every environment. Functions and everything else that is stored stay.",
		Example: "  terraform-provider-lambda engine stop",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			o := daemon.Options{DataDir: dataDir}
			if dataDir == "" {
				o.Endpoint = a.endpoint
			}
			err := daemon.Stop(ctx, o)
			if errors.Is(err, daemon.ErrNotRunning) {
				fmt.Fprintln(cmd.ErrOrStderr(), "No engine is running.")
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dataDir, "data-dir", os.Getenv("LAMBDA_ENGINE_DATA_DIR"), "stop the engine of this data directory ($LAMBDA_ENGINE_DATA_DIR)")
	return cmd
}

func (a *app) envCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "env",
		Short:   "Print the variables that point AWS's tools at the engine",
		Example: `  eval "$(terraform-provider-lambda engine env)" && aws lambda list-functions`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			vars := [][2]string{{"AWS_ENDPOINT_URL", a.endpoint}, {"AWS_REGION", a.region}, {"AWS_DEFAULT_REGION", a.region}}
			key, strict := daemon.Key{AccessKeyID: "test", SecretAccessKey: "test"}, false
			if health, err := daemon.Probe(cmd.Context(), a.endpoint); err == nil {
				issued, err := health.Key()
				if err != nil {
					return err
				}
				if issued != nil {
					key = *issued
				}
				strict = health.Authentication == "strict" && issued == nil
			}
			if strict {
				fmt.Fprintln(cmd.ErrOrStderr(), "The engine serves only requests signed with the credentials it is configured with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to one of them.")
			} else {
				vars = append(vars, [2]string{"AWS_ACCESS_KEY_ID", key.AccessKeyID}, [2]string{"AWS_SECRET_ACCESS_KEY", key.SecretAccessKey})
			}
			for _, v := range vars {
				fmt.Fprintf(cmd.OutOrStdout(), "export %s=%s\n", v[0], v[1])
			}
			return nil
		},
	}
}

// callers says whom an engine serves.
func callers(h *daemon.Health) string {
	switch {
	case h.IssuedKey:
		return "signed with the engine's own key (strict)"
	case h.Authentication == "strict":
		return "signed with configured credentials (strict)"
	}
	return "any"
}
