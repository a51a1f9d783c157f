package protocol

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/quick"
)

func TestFramesRoundTrip(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	sender, receiver := NewConn(a), NewConn(b)
	check := func(id, arn string, payload []byte) bool {
		want := Invoke{RequestID: id, FunctionARN: arn, DeadlineMS: 42}
		errs := make(chan error, 1)
		go func() { errs <- sender.Send(KindInvoke, want, payload) }()
		f, err := receiver.Receive()
		if err != nil || <-errs != nil {
			return false
		}
		var got Invoke
		return f.Kind == KindInvoke && f.Decode(&got) == nil && got == want && bytes.Equal(f.Payload, payload)
	}
	if err := quick.Check(check, nil); err != nil {
		t.Fatal(err)
	}
}

type stream struct{ *bytes.Reader }

func (stream) Write(p []byte) (int, error) { return len(p), nil }
func (stream) Close() error                { return nil }

func TestReceiveRefusesNonsense(t *testing.T) {
	whole, err := Append(nil, KindLog, Log{Time: 1}, []byte("line"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		in  []byte
		eof bool
	}{
		"nothing":         {nil, true},
		"other protocol":  {[]byte("GET / HTTP/1.1\r\n\r\n"), false},
		"cut in prefix":   {whole[:4], false},
		"cut in payload":  {whole[:len(whole)-1], false},
		"absurd length":   {[]byte{1, 0, 0, 0, 2, 255, 255, 255, 255}, false},
		"absurd header":   {[]byte{1, 255, 255, 255, 255, 0, 0, 0, 0}, false},
		"two bytes, then": {[]byte{byte(KindLog), 0}, false},
	} {
		_, err := NewConn(stream{bytes.NewReader(tc.in)}).Receive()
		if err == nil || errors.Is(err, io.EOF) != tc.eof {
			t.Errorf("%s: error %v, want EOF %v", name, err, tc.eof)
		}
	}
}
