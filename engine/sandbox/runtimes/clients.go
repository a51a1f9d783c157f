package runtimes

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed clients/bootstrap.py clients/bootstrap.mjs clients/bootstrap.rb clients/shelves.mjs clients/launch.sh
var clients embed.FS

const (
	// Wrapper is the variable with which a function has its interpreter started by a
	// program of its own. It is for all runtimes but Provided.
	Wrapper = "AWS_LAMBDA_EXEC_WRAPPER"
	// Launcher is the shell script among the clients that does so; its arguments are
	// the interpreter's command line.
	Launcher = "launch.sh"
)

// InstallClients writes the bundled interface clients into dir.
func InstallClients(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("install interface clients: %w", err)
	}
	for _, name := range []string{"bootstrap.py", "bootstrap.mjs", "bootstrap.rb", "shelves.mjs", Launcher} {
		data, err := clients.ReadFile("clients/" + name)
		if err != nil {
			return fmt.Errorf("install interface clients: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("install interface clients: %w", err)
		}
	}
	return nil
}

// Command returns what boots a runtime with this machine's own interpreter. clientDir holds the interface clients. The note is not empty when
// the interpreter is not the one that the identifier asks for.
func (r Runtime) Command(clientDir string) (argv []string, note string, err error) {
	switch r.Language {
	case Python:
		exact := "python" + r.Version
		if runs(exact) {
			return []string{exact, "-u", filepath.Join(clientDir, "bootstrap.py")}, "", nil
		}
		if !runs("python3") {
			return nil, "", fmt.Errorf("runtime %s needs %s or python3 on the engine's PATH (or Docker)", r.Name, exact)
		}
		return []string{"python3", "-u", filepath.Join(clientDir, "bootstrap.py")},
			fmt.Sprintf("%s is not installed: running %s functions with python3", exact, r.Name), nil
	case Node:
		if !runs("node") {
			return nil, "", fmt.Errorf("runtime %s needs node on the engine's PATH (or Docker)", r.Name)
		}
		return []string{"node", filepath.Join(clientDir, "bootstrap.mjs")}, "", nil
	case Java:
		return r.java(clientDir)
	case Ruby:
		exact := "ruby" + r.Version
		if runs(exact) {
			return []string{exact, filepath.Join(clientDir, "bootstrap.rb")}, "", nil
		}
		if !runs("ruby") {
			return nil, "", fmt.Errorf("runtime %s needs %s or ruby on the engine's PATH (or Docker)", r.Name, exact)
		}
		return []string{"ruby", filepath.Join(clientDir, "bootstrap.rb")},
			fmt.Sprintf("%s is not installed: running %s functions with ruby", exact, r.Name), nil
	case DotNet:
		return nil, "", fmt.Errorf("runtime %s needs Docker: there is no interface client for .NET that runs without", r.Name)
	}
	return nil, "", fmt.Errorf("runtime %s has no interpreter", r.Name)
}

// runs reports whether a program works: that it is on the PATH is not enough,
// version managers leave stubs there for versions that are not active.
func runs(program string) bool {
	if _, err := exec.LookPath(program); err != nil {
		return false
	}
	return exec.Command(program, "--version").Run() == nil
}
