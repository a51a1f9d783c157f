package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// rpcCBOR is the Smithy RPC v2 protocol: the operation in the path, all members in
// one CBOR map. Today's SDKs choose it where a service has it.
type rpcCBOR struct {
	service *Service
}

const (
	protocolHeader = "Smithy-Protocol"
	cborProtocol   = "rpc-v2-cbor"
	cborType       = "application/cbor"
)

func newRPCCBOR(s *Service) *rpcCBOR { return &rpcCBOR{service: s} }

// isCBOR tells whether a request is one of this protocol.
func isCBOR(r *http.Request) bool { return r.Header.Get(protocolHeader) == cborProtocol }

func (p *rpcCBOR) find(r *http.Request) (*operation, []string) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/service/"+p.service.model.Metadata.TargetPrefix+"/operation/")
	if !ok || r.Method != http.MethodPost {
		return nil, nil
	}
	return p.service.operations[rest], nil
}

func (p *rpcCBOR) read(r *http.Request, op *operation, _ []string) (map[string]any, error) {
	body, err := ReadBody(r, maxJSONRequest, op.name)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	return readCBOR(body)
}

// readCBOR reads a body, which must be a map. The decoder bounds how deep it is nested.
func readCBOR(body []byte) (map[string]any, error) {
	value, err := cbor.Decode(body)
	if err != nil {
		return nil, serialization("The body is not valid CBOR: %v", err)
	}
	tree, err := cborTree(value)
	if err != nil {
		return nil, err
	}
	if tree, ok := tree.(map[string]any); ok {
		return tree, nil
	}
	return nil, misplaced(tree)
}

// cborTree makes the tree that the same body in JSON would be, but for bytes.
func cborTree(value cbor.Value) (any, error) {
	switch value := value.(type) {
	case cbor.Uint:
		return json.Number(strconv.FormatUint(uint64(value), 10)), nil
	case cbor.NegInt: // the argument is the magnitude
		if value == 0 || value > math.MaxInt64 {
			return nil, serialization("The number is too small.")
		}
		return json.Number("-" + strconv.FormatUint(uint64(value), 10)), nil
	case cbor.Float32:
		return json.Number(strconv.FormatFloat(float64(value), 'g', -1, 64)), nil
	case cbor.Float64:
		return json.Number(strconv.FormatFloat(float64(value), 'g', -1, 64)), nil
	case cbor.String:
		return string(value), nil
	case cbor.Slice:
		return []byte(value), nil
	case cbor.Bool:
		return bool(value), nil
	case *cbor.Nil, *cbor.Undefined:
		return nil, nil
	case *cbor.Tag: // of times: the number of seconds stands for itself
		return cborTree(value.Value)
	case cbor.List:
		items := make([]any, len(value))
		for i, item := range value {
			var err error
			if items[i], err = cborTree(item); err != nil {
				return nil, err
			}
		}
		return items, nil
	case cbor.Map:
		tree := make(map[string]any, len(value))
		for key, item := range value {
			var err error
			if tree[key], err = cborTree(item); err != nil {
				return nil, err
			}
		}
		return tree, nil
	}
	return nil, fmt.Errorf("read CBOR: unexpected %T", value)
}

func (p *rpcCBOR) write(w http.ResponseWriter, op *operation, out reflect.Value) {
	w.Header().Set("Content-Type", cborType)
	w.Header().Set(protocolHeader, cborProtocol)
	if op.operationModel.output == nil {
		writeBody(w, http.StatusOK, cbor.Encode(cbor.Map{}))
		return
	}
	writeBody(w, http.StatusOK, cbor.Encode(op.output.cbor(out)))
}

// cborTimestamp is the tag of seconds since the epoch.
const cborTimestamp = 1

func (c *codec) cbor(v reflect.Value) cbor.Value {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return &cbor.Nil{}
		}
		v = v.Elem()
	}
	switch c.shape.kind {
	case "structure":
		m := make(cbor.Map, len(c.fields))
		for i := range c.fields {
			f := &c.fields[i]
			if fv := v.Field(f.index); !absent(fv) {
				m[f.wire] = f.codec.cbor(fv)
			}
		}
		return m
	case "list":
		list := make(cbor.List, v.Len())
		for i := range list {
			list[i] = c.item.cbor(v.Index(i))
		}
		return list
	case "map":
		m := make(cbor.Map, v.Len())
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = c.item.cbor(it.Value())
		}
		return m
	case "string":
		return cbor.String(v.String())
	case "boolean":
		return cbor.Bool(v.Bool())
	case "integer", "long":
		if n := v.Int(); n < 0 {
			return cbor.NegInt(-n)
		}
		return cbor.Uint(v.Int())
	case "double", "float":
		return cbor.Float64(v.Float())
	case "timestamp":
		return &cbor.Tag{ID: cborTimestamp, Value: cbor.Float64(epochSeconds(v.Interface().(time.Time)))}
	case "blob":
		return cbor.Slice(v.Bytes())
	}
	return &cbor.Nil{}
}

func (p *rpcCBOR) fail(w http.ResponseWriter, f *fault) {
	if f.status == http.StatusForbidden {
		f.status = http.StatusBadRequest // as of the JSON protocols
	}
	body := cbor.Map{"__type": cbor.String(f.code)}
	// A fault's other members are rare and flat: they come by way of their JSON.
	var rest map[string]any
	if err := json.Unmarshal(append(f.appendRest([]byte{'{'}, false), '}'), &rest); err == nil {
		for name, value := range rest {
			if text, ok := value.(string); ok {
				body[name] = cbor.String(text)
			}
		}
	}
	w.Header().Set(protocolHeader, cborProtocol)
	f.send(w, cborType, cbor.Encode(body))
}

// A service may have been of the query protocol once, and its clients know errors by
// the codes of then: AWS tells them in a header.
const queryErrorHeader = "x-amzn-query-error"

// queryCompatible adds that header to the faults of a protocol.
type queryCompatible struct{ protocol }

func (p queryCompatible) fail(w http.ResponseWriter, f *fault) {
	side := "Sender"
	if f.status >= http.StatusInternalServerError {
		side = "Receiver"
	}
	w.Header().Set(queryErrorHeader, f.queryCode()+";"+side)
	p.protocol.fail(w, f)
}

// queryCode is what the query protocol calls an error.
func (f *fault) queryCode() string {
	if f.shape != nil && f.shape.code != "" {
		return f.shape.code
	}
	if code, ok := queryCodes[f.code]; ok {
		return code
	}
	return f.code
}

// protocols is what a service speaks that speaks more than one. It may be without cbor.
type protocols struct {
	cbor, json, query protocol
}

func newProtocols(s *Service, names []string) (*protocols, error) {
	p := &protocols{}
	for _, name := range names {
		switch name {
		case "smithy-rpc-v2-cbor":
			p.cbor = newRPCCBOR(s)
		case "json":
			p.json = newAWSJSON(s)
		case "query":
			p.query = newQuery(s)
		default:
			return nil, fmt.Errorf("protocol %q is not supported beside others", name)
		}
	}
	if p.json == nil || p.query == nil {
		return nil, errors.New("of several protocols two must be json and query")
	}
	if s.model.Metadata.QueryCompatible != nil {
		p.json = queryCompatible{p.json}
		if p.cbor != nil {
			p.cbor = queryCompatible{p.cbor}
		}
	}
	return p, nil
}

// of picks the protocol that a request is in.
func (p *protocols) of(r *http.Request) protocol {
	switch {
	case p.cbor != nil && isCBOR(r):
		return p.cbor
	case r.Header.Get(targetHeader) != "":
		return p.json
	}
	return p.query
}
