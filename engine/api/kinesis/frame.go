package kinesis

import (
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"
)

// record is what a client puts.
type record struct {
	key  string
	hash hashKey
	data []byte
}

// A message begins with the time of the service's clock, which retention goes by, in Unix
// milliseconds. Its records follow: the length of the key, the key, the length of the
// data, the data. Numbers are in variable form.

// maxFrame is how much longer than its data a message of one record is, at most.
const maxFrame = binary.MaxVarintLen64 + 2*binary.MaxVarintLen32 + 256*utf8.UTFMax

func newMessage(now time.Time) []byte { return binary.AppendVarint(nil, now.UnixMilli()) }

// cutTime takes the time off a message.
func cutTime(message []byte) (t time.Time, records []byte, err error) {
	ms, n := binary.Varint(message)
	if n <= 0 {
		return t, nil, errFrame
	}
	return time.UnixMilli(ms), message[n:], nil
}

func appendRecord(message []byte, r record) []byte {
	message = binary.AppendUvarint(message, uint64(len(r.key)))
	message = append(message, r.key...)
	message = binary.AppendUvarint(message, uint64(len(r.data)))
	return append(message, r.data...)
}

var errFrame = errors.New("damaged record")

// cutRecord takes the first record off a message. The data is not copied.
func cutRecord(message []byte) (key string, data, rest []byte, err error) {
	k, rest, err := cutField(message)
	if err != nil {
		return "", nil, nil, err
	}
	data, rest, err = cutField(rest)
	return string(k), data, rest, err
}

func cutField(b []byte) (field, rest []byte, err error) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, nil, errFrame
	}
	return b[n : n+int(length)], b[n+int(length):], nil
}
