//go:build linux

package lifecycle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// frame is a message as AWS's interface clients write it.
func frame(at time.Time, message string) string {
	b := []byte{0xa5, 0x5a, 0x00, 0x0f}
	b = binary.BigEndian.AppendUint32(b, uint32(len(message)))
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
	return string(b) + message
}

// sink keeps the lines of an output.
type sink struct {
	Engine
	events []string
	times  []time.Time
}

func (s *sink) Log(l protocol.Log, text []byte) {
	s.events, s.times = append(s.events, string(text)), append(s.times, time.Unix(0, l.Time))
}

// logged returns the events of output that comes in pieces of a size.
func logged(t testing.TB, text string, size int) ([]string, []time.Time) {
	t.Helper()
	var sent sink
	o, p := newOutput(&sent), &pipe{source: function}
	for piece := range slices.Chunk([]byte(text), size) {
		o.split(p, piece)
	}
	o.flush(p)
	return sent.events, sent.times
}

func TestFrames(t *testing.T) {
	at := time.UnixMicro(1_700_000_000_123_456)
	long := strings.Repeat("x", maxLine+10)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"lines":           {"one\ntwo\r\nthree", []string{"one", "two", "three"}},
		"a frame":         {frame(at, "a\nb\n"), []string{"a\nb"}},
		"an empty one":    {frame(at, ""), []string{""}},
		"in their order":  {"before\n" + frame(at, "m\nn") + "between\n" + frame(at, "o") + "after\n", []string{"before", "m\nn", "between", "o", "after"}},
		"after a half":    {"half" + frame(at, "m") + "rest\n", []string{"half", "m", "rest"}},
		"a long one":      {frame(at, long), []string{long[:maxLine], "xxxxxxxxxx"}},
		"no frame":        {"\xa5\x5a\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff text\n", []string{"\xa5\x5a\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff text"}},
		"part of a mark":  {"\xa5\x5a no mark\n\xa5", []string{"\xa5\x5a no mark", "\xa5"}},
		"one that breaks": {frame(at, "never whole")[:20], nil},
	} {
		for _, size := range []int{1, 2, 3, 7, 17, 64 << 10} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				if events, _ := logged(t, c.text, size); !slices.Equal(events, c.want) {
					t.Errorf("%.200q, want %.200q", events, c.want)
				}
			})
		}
	}
	if _, times := logged(t, frame(at, "m"), 64); len(times) != 1 || !times[0].Equal(at) {
		t.Errorf("at %v, want %v", times, at)
	}
}

// Whatever a program prints, none of it is lost, but for what it does not finish.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("a\nb"), 3)
	f.Add([]byte(frame(time.Now(), "a\nb")+"c"), 5)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if bytes.Contains(text, frameMark) || bytes.ContainsAny(text, "\r") || size < 1 {
			return
		}
		events, _ := logged(t, string(text), size)
		want := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool { return line == "" })
		got := slices.DeleteFunc(events, func(line string) bool { return line == "" })
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
