//go:build linux

package main

import (
	"flag"
	"os"
	"os/exec"
	"testing"
	"time"
)

var (
	lasting = flag.Duration("lasting", 25*time.Second, "how long the load of each test runs")
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the disturbances")
)

// Whatever happens to the engine, its environments, its disk or its Docker daemon,
// nothing that was acknowledged is lost, and nothing is left behind.
func TestSoak(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI is not root: this test may not be left out")
		}
		t.Skip("a disk to fill and a Docker daemon to kill need root")
	}
	for driver, chaos := range map[string][]string{
		"process": {"engine", "stop", "pause", "environment", "disk"},
		"docker":  {"engine", "stop", "pause", "environment", "disk", "daemon"},
	} {
		t.Run(driver, func(t *testing.T) {
			if driver == "docker" && exec.Command("docker", "image", "inspect", image).Run() != nil {
				if os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
					t.Fatal("no Docker, or no image: run scripts/docker.sh and scripts/images.sh")
				}
				t.Skip("no Docker, or no image")
			}
			o := options{binary: "../../bin/terraform-provider-lambda", driver: driver, duration: *lasting, clients: 2, chaos: chaos, seed: *seed}
			if err := soak(t.Context(), o, t.Output(), t.Logf); err != nil {
				t.Fatal(err)
			}
		})
	}
}
