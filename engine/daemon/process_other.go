//go:build !unix

package daemon

import (
	"context"
	"errors"
	"os"
)

// errDetach is the answer where the engine cannot be started in the background.
var errDetach = errors.New("the engine cannot be started in the background on this system; run \"engine start\" in a terminal of its own")

type child struct{ pid int }

func spawn(string, []string, string, *os.File) (*child, error) { return nil, errDetach }
func (c *child) exited() (bool, string)                        { return true, "" }
func (c *child) kill()                                         {}
func lock(context.Context, string) (unlock func(), err error)  { return func() {}, nil }
func alive(pid int) bool                                       { _, err := os.FindProcess(pid); return err == nil }

func terminate(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return nil
	}
	return p.Kill()
}
