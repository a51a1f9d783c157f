package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Names of the files in a data directory that this package owns.
const (
	identityFile = "engine.json"
	lockFile     = "engine.lock"
	logFile      = "engine.log"
	keyFile      = "engine.key.json"
)

// Identity is what an engine leaves in its data directory while it runs.
type Identity struct {
	PID     int       `json:"pid"`
	Addr    string    `json:"addr"` // host:port it listens on
	Version string    `json:"version"`
	Started time.Time `json:"started"`
}

// WriteIdentity records a running engine. The engine calls it after it listens.
func WriteIdentity(dataDir string, id Identity) error { return write(dataDir, identityFile, id) }

// write puts v into a file that only the user can read. It is renamed into place,
// so that nobody ever sees half of it.
func write(dataDir, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	tmp, err := os.CreateTemp(dataDir, name+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dataDir, name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", name, err), os.Remove(tmp.Name()))
	}
	return nil
}

// ReadIdentity returns what the last engine of a data directory recorded. The
// error is fs.ErrNotExist if there is no record. The engine may have died since.
func ReadIdentity(dataDir string) (*Identity, error) {
	b, err := os.ReadFile(filepath.Join(dataDir, identityFile))
	if err != nil {
		return nil, fmt.Errorf("reading the engine's record: %w", err)
	}
	var id Identity
	if err := json.Unmarshal(b, &id); err != nil {
		return nil, fmt.Errorf("reading the engine's record %s: %w", filepath.Join(dataDir, identityFile), err)
	}
	return &id, nil
}

// RemoveIdentity forgets the engine with the given process id. The engine calls
// it when it stops; the record of another one is left alone.
func RemoveIdentity(dataDir string, pid int) error {
	id, err := ReadIdentity(dataDir)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && id.PID != pid) {
		return nil
	}
	if err := os.Remove(filepath.Join(dataDir, identityFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forgetting the engine: %w", err)
	}
	return nil
}

// LogPath returns where an engine of dataDir that [Ensure] started writes its log.
func LogPath(dataDir string) string { return filepath.Join(dataDir, logFile) }

// DefaultDataDir returns the data directory for an engine that is given none:
// $LAMBDA_ENGINE_DATA_DIR, or the user's directory for such state.
func DefaultDataDir() (string, error) {
	if dir := os.Getenv("LAMBDA_ENGINE_DATA_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" && filepath.IsAbs(dir) {
		return filepath.Join(dir, "lambda-engine"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the engine's data directory: %w; set LAMBDA_ENGINE_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "lambda-engine"), nil
	}
	return filepath.Join(home, ".local", "state", "lambda-engine"), nil
}
