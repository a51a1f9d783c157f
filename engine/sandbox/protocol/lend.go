package protocol

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Open asks for what a lifecycle in the engine needs.
type Open struct {
	Extensions string `json:"extensions,omitempty"` // directory of external extensions, which need not exist
}

// Opened answers it. The files are a listener for the Runtime API, one for AWS calls,
// and those of the control group of a container, as many as are there.
type Opened struct {
	Extensions []string `json:"extensions,omitempty"` // programs
	Peak       bool     `json:"peak,omitempty"`       // a file with the peak of memory is there
	Kills      bool     `json:"kills,omitempty"`      // and one with a line "oom_kill N"
}

// Files is how many files come with it.
func (o Opened) Files() int {
	n := 2
	for _, there := range []bool{o.Peak, o.Kills} {
		if there {
			n++
		}
	}
	return n
}

// Start asks for a program, as programs.Program does.
type Start struct {
	Commands [][]string `json:"commands"`
	Dir      string     `json:"dir"`
	Env      []string   `json:"env"`
}

// Started answers it. The files are the ends of its output to read from, if it runs.
type Started struct {
	PID   int    `json:"pid,omitempty"`
	Path  string `json:"path,omitempty"`  // of the program that does not run
	Errno int    `json:"errno,omitempty"` // why, if it is the program's fault
	Error string `json:"error,omitempty"` // why, if it is not
}

// Ended tells of the end of a program.
type Ended struct {
	PID    int    `json:"pid"`
	Status uint32 `json:"status"` // as wait(2) has it
	Peak   int64  `json:"peak"`   // most resident memory, in bytes
}

// Signal asks for a signal to the process group of a program. Without one it is for
// everybody, and either SIGSTOP or SIGCONT.
type Signal struct {
	PID    int `json:"pid,omitempty"`
	Signal int `json:"signal"`
}

// Kill asks for everybody's end.
type Kill struct {
	Patience time.Duration `json:"patience"`
}

// Dial asks for a connection.
type Dial struct {
	Port int `json:"port"`
}

// Dialed answers it. The file is the connection, if there is no error.
type Dialed struct {
	Error string `json:"error,omitempty"`
}

// CarriesFiles tells whether SendFiles works.
func (c *Conn) CarriesFiles() bool { return c.files != nil }

// SendFiles sends a frame without a payload, and open files or sockets with it. They
// stay open here.
func (c *Conn) SendFiles(kind Kind, header any, files ...syscall.Conn) error {
	if len(files) == 0 {
		return c.Send(kind, header, nil)
	}
	if c.files == nil {
		return errors.New("this connection does not carry files")
	}
	frame, err := Append(nil, kind, header, nil)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files.send(frame, files)
}

// Files returns the files of the frame that was received last, which has so many. They
// belong to the caller, also with an error, which says that there are fewer.
func (c *Conn) Files(n int) ([]*os.File, error) {
	if c.files == nil {
		return nil, errors.New("this connection does not carry files")
	}
	files := c.files.take(n)
	if len(files) < n {
		return files, errors.New("a frame came without its files")
	}
	return files, nil
}
