package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Largest request bodies, in bytes.
const (
	maxCodeRequest = 70167211 // operations that carry a deployment package (spec api A.4)
	maxRestRequest = 6 << 20
	maxJSONRequest = 16 << 20 // ten megabytes of records in base64, and their names
)

var errBodyTooLarge = errors.New("request body too large")

// ReadBody reads the body of a request that may have limit bytes at most.
// A larger one is AWS's RequestEntityTooLargeException naming the operation;
// Invoke goes by the name InvokeFunction there (spec api A.13).
func ReadBody(r *http.Request, limit int64, operation string) ([]byte, error) {
	body, err := readAtMost(r, limit)
	if errors.Is(err, errBodyTooLarge) {
		return nil, &Error{
			Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", limit, operation),
		}
	}
	return body, err
}

// inflate has the body of a request to an RPC protocol read uncompressed: SDKs compress
// large ones of operations that take many metrics. (The payload of a call is no such
// body, and stays as it is.)
func inflate(r *http.Request) {
	if r.Header.Get("Content-Encoding") != "gzip" || !isCBOR(r) && r.Header.Get(targetHeader) == "" && !isForm(r) {
		return
	}
	r.Body, r.ContentLength = &inflating{compressed: r.Body}, -1
}

// inflating reads what a compressed body holds. It begins when it is first read, so
// that what is wrong with it is found where it matters.
type inflating struct {
	compressed io.ReadCloser
	reader     *gzip.Reader
}

func (b *inflating) Read(p []byte) (n int, err error) {
	if b.reader == nil {
		if b.reader, err = gzip.NewReader(b.compressed); err != nil {
			return 0, fmt.Errorf("read compressed body: %w", err)
		}
	}
	return b.reader.Read(p)
}

func (b *inflating) Close() error { return b.compressed.Close() }

func readAtMost(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= limit {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if r.ContentLength <= limit {
		if _, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
			return nil, &Error{Code: "RequestTimeoutException", Status: http.StatusBadRequest, Message: "The request body could not be read."}
		}
		if int64(buf.Len()) <= limit {
			return buf.Bytes(), nil
		}
	}
	// Take in some of the rest: a client that is still sending would see a
	// broken connection instead of the answer.
	_, _ = io.CopyN(io.Discard, r.Body, 2*limit)
	return nil, errBodyTooLarge
}

// errNotJSON wraps what is wrong with the text of a body.
var errNotJSON = errors.New("malformed JSON")

// parseObject reads a body into a tree; an empty body is an empty object.
func parseObject(body []byte) (map[string]any, error) {
	value, err := parseValue(body)
	if err != nil {
		return nil, err
	}
	switch tree := value.(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return tree, nil
	}
	return nil, misplaced(value)
}

func parseValue(body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotJSON, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more after the top-level value", errNotJSON)
	}
	return value, nil
}
