package daemon

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key is the access key that an engine issues when it asks for signatures and was
// given no credentials. Whoever can read its data directory may call it.
type Key struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// IssueKey returns the key of a data directory, which it makes the first time.
func IssueKey(dataDir string) (Key, error) {
	key, err := readKey(dataDir)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = Key{AccessKeyID: "AKIA" + rand.Text()[:16], SecretAccessKey: rand.Text() + rand.Text()[:14]}
	return key, write(dataDir, keyFile, key)
}

// Key returns the key to sign requests to the engine with, or nil when it has
// issued none: then it takes any, or those that it was configured with.
func (h *Health) Key() (*Key, error) {
	if !h.IssuedKey {
		return nil, nil
	}
	key, err := readKey(h.DataDir)
	if err != nil {
		return nil, fmt.Errorf("the engine serves only requests that are signed with its own key. Use it where its data directory %s can be read, or configure credentials for it: %w", h.DataDir, err)
	}
	return &key, nil
}

func readKey(dataDir string) (key Key, err error) {
	path := filepath.Join(dataDir, keyFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("reading the engine's key: %w", err)
	}
	if err := json.Unmarshal(b, &key); err != nil || key.AccessKeyID == "" || key.SecretAccessKey == "" {
		return key, fmt.Errorf("the engine's key %s is damaged: remove it, and the engine makes another when it starts", path)
	}
	return key, nil
}
