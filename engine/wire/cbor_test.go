package wire

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/encoding/cbor"
)

type monitoring struct{}

func (monitoring) ListMetrics(context.Context, *cloudwatch.ListMetricsInput) (*cloudwatch.ListMetricsOutput, error) {
	return &cloudwatch.ListMetricsOutput{}, nil
}

// What a stranger may send in CBOR must neither crash the engine nor pass for something.
func TestBadCBOR(t *testing.T) {
	m, err := LoadModel("cloudwatch")
	if err != nil {
		t.Fatal(err)
	}
	svc, err := NewService(m, monitoring{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(NewServer(ServerConfig{}, svc))
	defer server.Close()
	nested := func(depth int) []byte {
		return append(append([]byte("\xa1\x6aDimensions"), bytes.Repeat([]byte{0x81}, depth)...), 0x80)
	}
	for name, c := range map[string]struct {
		body   []byte
		status int
		text   string
	}{
		"nothing":       {nil, 200, ""},
		"an empty map":  {cbor.Encode(cbor.Map{}), 200, ""},
		"a list":        {cbor.Encode(cbor.List{}), 400, "SerializationException"},
		"a number":      {cbor.Encode(cbor.Map{"Namespace": cbor.Uint(1)}), 400, "can not be converted to a String"},
		"bytes as text": {cbor.Encode(cbor.Map{"Namespace": cbor.Slice("x")}), 400, "SerializationException"},
		"cut off":       {[]byte("\xa1\x69Name"), 400, "not valid CBOR"},
		"a huge length": {[]byte("\xbb\x00\x00\x0f\xff\xff\xff\xff\xff"), 400, "not valid CBOR"},
		"a huge list":   {[]byte("\xa1\x6aDimensions\x9b\x00\x00\x00\xff\xff\xff\xff\xff"), 400, "not valid CBOR"},
		"nested":        {nested(10), 400, "SerializationException"},
		"nested deeply": {nested(10_000_000), 400, "max nesting depth exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/service/GraniteServiceVersion20100801/operation/ListMetrics", bytes.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var b bytes.Buffer
			if _, err := b.ReadFrom(response.Body); err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || !strings.Contains(b.String(), c.text) || response.Header.Get("Content-Type") != "application/cbor" {
				t.Errorf("%d %s, want %d and %q", response.StatusCode, b.String(), c.status, c.text)
			}
		})
	}
}

func FuzzCBOR(f *testing.F) {
	f.Add(cbor.Encode(cbor.Map{"a": cbor.List{cbor.Uint(1), cbor.NegInt(2), cbor.Float64(.5), &cbor.Tag{ID: 1, Value: cbor.Uint(3)}, cbor.Bool(true), &cbor.Nil{}}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		if tree, err := readCBOR(body); (tree == nil) != (err != nil) {
			t.Errorf("%v, %v", tree, err)
		}
	})
}
