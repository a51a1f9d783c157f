package instance

import (
	"os"
	"path/filepath"
	"testing"
)

func TestClaim(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	first, err := Claim(root)
	if err != nil {
		t.Fatal(err)
	}
	env, err := first.New()
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(root, "engine-dead")
	for _, d := range []string{dead, filepath.Join(dead, "env-1"), filepath.Join(root, "engine-unlocked")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dead, lockName), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	second, err := Claim(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(env); err != nil {
		t.Errorf("the living one's directory: %v", err)
	}
	for _, name := range []string{"engine-dead", "engine-unlocked"} {
		if Exists(root, name) {
			t.Errorf("%s is left", name)
		}
	}
	if !Exists(root, first.Name()) || !Exists(root, second.Name()) || Exists(root, "") {
		t.Error("Exists is wrong")
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if Exists(root, first.Name()) || !Exists(root, second.Name()) {
		t.Error("the wrong directory was released")
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
}
