package emulators

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is how long a server may take until it serves, on a machine that is busy.
const patience = time.Minute

// guardian runs a command until its own standard input ends, which is when the process
// that holds the other end does: no server outlives its test binary, even a killed one.
const guardian = `exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
{ cat <&3; kill -9 $child; } >/dev/null 2>&1 &
wait $child`

// start runs a server and returns its endpoint when it says that it serves.
func start(e *emulator, dir string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	server := e.command(dir, port)
	cmd := exec.Command("sh", append([]string{"-c", guardian, "sh", server.Path}, server.Args[1:]...)...)
	cmd.Env = server.Env
	if cmd.Dir, err = os.UserHomeDir(); err != nil { // not where tests lie
		cmd.Dir = "/"
	}
	life, err := cmd.StdinPipe() // stays open until this process ends
	if err != nil {
		return "", err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return "", err
	}
	_ = in.Close()
	found, said := make(chan string, 1), make(chan string, 1)
	go func() { // ends with the server
		var heard strings.Builder
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if match := e.ready.FindStringSubmatch(lines.Text()); match != nil {
				found <- match[1]
				_, _ = io.Copy(io.Discard, out)
				break
			}
			heard.WriteString(lines.Text() + "\n")
		}
		said <- heard.String()
		_ = cmd.Wait()
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case url := <-found:
		return url, nil
	case text := <-said:
		return "", fmt.Errorf("it has ended:\n%s", text)
	case <-late.C:
		_ = life.Close()
		return "", fmt.Errorf("it does not say that it serves, after %v:\n%s", patience, <-said)
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
