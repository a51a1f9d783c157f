package wire

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed models/*.json
var models embed.FS

// Model is a parsed API model: the operations of one service and their shapes.
type Model struct {
	Name     string // file name without extension, such as "lambda"
	Metadata Metadata

	operations []*operationModel // by name
	shapes     map[string]*shape
}

// Metadata names a service and its protocol.
type Metadata struct {
	APIVersion     string   `json:"apiVersion"`
	EndpointPrefix string   `json:"endpointPrefix"`
	Protocol       string   `json:"protocol"`  // rest-json, json, query, smithy-rpc-v2-cbor: today's SDKs' choice
	Protocols      []string `json:"protocols"` // all of them
	// QueryCompatible is there when errors carry their codes of the query protocol too.
	QueryCompatible *struct{} `json:"awsQueryCompatible"`
	JSONVersion     string    `json:"jsonVersion"`
	ServiceID       string    `json:"serviceId"`
	SigningName     string    `json:"signingName"` // EndpointPrefix when empty
	TargetPrefix    string    `json:"targetPrefix"`
	XMLNamespace    string    `json:"-"`
}

// Operations returns the names of the model's operations in order.
func (m *Model) Operations() []string {
	names := make([]string, len(m.operations))
	for i, o := range m.operations {
		names[i] = o.name
	}
	return names
}

// operationModel is one operation as the model declares it.
type operationModel struct {
	name   string
	method string
	uri    string
	status int
	input  *shape // nil when the operation takes nothing
	output *shape // nil when it returns nothing
}

// location says where a member travels.
type location string

const (
	inBody       location = ""
	inURI        location = "uri"
	inQuery      location = "querystring"
	inHeader     location = "header"
	inStatusCode location = "statusCode"
)

// shape is a type of the model with its constraints. Shapes may be recursive.
type shape struct {
	name      string
	kind      string // structure, list, map, string, integer, long, boolean, double, float, timestamp, blob
	members   []member
	payload   string // the member that is the whole body
	item      *shape // of a list, or the values of a map
	key       *shape // of a map
	itemName  string // of item and key in the query protocol; empty for the usual one
	keyName   string
	flattened bool // in the query protocol, items follow the member without a level of their own
	enum      []string
	min, max  *float64
	pattern   *pattern
	sensitive bool
	exception bool
	fault     bool   // an exception that is the service's
	status    int    // of an exception
	code      string // of an exception in the query protocol
}

// member is a member of a structure.
type member struct {
	name     string
	shape    *shape
	location location
	wire     string // name on the wire
	query    string // the same in the query protocol
	required bool
}

// member returns the member of that name, or nil.
func (s *shape) member(name string) *member {
	for i := range s.members {
		if strings.EqualFold(s.members[i].name, name) {
			return &s.members[i]
		}
	}
	return nil
}

// treeKey is the key of the member in a request tree: located members go by
// their own name, body members by their name in the body.
func (m *member) treeKey() string {
	if m.location == inBody {
		return m.wire
	}
	return m.name
}

// LoadModel reads the embedded model of that name.
func LoadModel(name string) (*Model, error) {
	data, err := models.ReadFile("models/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("load API model %s: %w", name, err)
	}
	m, err := parseModel(name, data)
	if err != nil {
		return nil, fmt.Errorf("parse API model %s: %w", name, err)
	}
	return m, nil
}

// The model's JSON.
type (
	rawModel struct {
		Metadata   json.RawMessage         `json:"metadata"`
		Operations map[string]rawOperation `json:"operations"`
		Shapes     map[string]rawShape     `json:"shapes"`
	}
	rawOperation struct {
		HTTP struct {
			Method       string `json:"method"`
			RequestURI   string `json:"requestUri"`
			ResponseCode int    `json:"responseCode"`
		} `json:"http"`
		Input  string `json:"input"`
		Output string `json:"output"`
	}
	rawRef struct {
		Shape        string   `json:"shape"`
		Location     location `json:"location"`
		LocationName string   `json:"locationName"`
		QueryName    string   `json:"queryName"`
	}
	rawShape struct {
		Type     string     `json:"type"`
		Members  rawMembers `json:"members"`
		Required []string   `json:"required"`
		Payload  string     `json:"payload"`
		Member   rawRef     `json:"member"`
		Key      rawRef     `json:"key"`
		Value    rawRef     `json:"value"`
		Enum     []string   `json:"enum"`
		Min      *float64   `json:"min"`
		Max      *float64   `json:"max"`
		Pattern  string     `json:"pattern"`

		Flattened bool `json:"flattened"`
		Sensitive bool `json:"sensitive"`
		Exception bool `json:"exception"`
		Fault     bool `json:"fault"`
		Error     struct {
			HTTPStatusCode int    `json:"httpStatusCode"`
			Code           string `json:"code"`
		} `json:"error"`
	}
	rawMember struct {
		name string
		ref  rawRef
	}
	// rawMembers keeps the model's order, which is the order of messages and of output.
	rawMembers []rawMember
)

func (m *rawMembers) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var ref rawRef
		if err := dec.Decode(&ref); err != nil {
			return err
		}
		*m = append(*m, rawMember{fmt.Sprint(name), ref})
	}
	return nil
}

func parseModel(name string, data []byte) (*Model, error) {
	var raw rawModel
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	m := &Model{Name: name, shapes: make(map[string]*shape, len(raw.Shapes))}
	if err := m.parseMetadata(raw.Metadata); err != nil {
		return nil, err
	}
	for name := range raw.Shapes {
		m.shapes[name] = &shape{name: name}
	}
	for name, rs := range raw.Shapes {
		if err := m.resolve(m.shapes[name], rs); err != nil {
			return nil, fmt.Errorf("shape %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(raw.Operations)) {
		ro := raw.Operations[name]
		m.operations = append(m.operations, &operationModel{
			name: name, method: ro.HTTP.Method, uri: ro.HTTP.RequestURI, status: ro.HTTP.ResponseCode,
			input: m.shapes[ro.Input], output: m.shapes[ro.Output],
		})
	}
	return m, nil
}

func (m *Model) parseMetadata(data []byte) error {
	if err := json.Unmarshal(data, &m.Metadata); err != nil {
		return err
	}
	if m.Metadata.SigningName == "" {
		m.Metadata.SigningName = m.Metadata.EndpointPrefix
	}
	// A string in query models, an object in rest-xml ones.
	var ns struct {
		XMLNamespace any `json:"xmlNamespace"`
	}
	if err := json.Unmarshal(data, &ns); err != nil {
		return err
	}
	m.Metadata.XMLNamespace, _ = ns.XMLNamespace.(string)
	return nil
}

func (m *Model) resolve(s *shape, raw rawShape) error {
	s.kind, s.payload, s.enum, s.min, s.max = raw.Type, raw.Payload, raw.Enum, raw.Min, raw.Max
	s.sensitive, s.exception, s.fault, s.status, s.code = raw.Sensitive, raw.Exception, raw.Fault, raw.Error.HTTPStatusCode, raw.Error.Code
	if raw.Pattern != "" {
		p, err := compilePattern(raw.Pattern)
		if err != nil {
			return err
		}
		s.pattern = p
	}
	s.flattened, s.itemName = raw.Flattened, raw.Member.QueryName
	var err error
	switch raw.Type {
	case "list":
		s.item, err = m.lookup(raw.Member)
	case "map":
		s.keyName, s.itemName = raw.Key.QueryName, raw.Value.QueryName
		if s.key, err = m.lookup(raw.Key); err == nil {
			s.item, err = m.lookup(raw.Value)
		}
	}
	if err != nil {
		return err
	}
	for _, rm := range raw.Members {
		target, err := m.lookup(rm.ref)
		if err != nil {
			return err
		}
		mem := member{name: rm.name, shape: target, location: rm.ref.Location, wire: rm.ref.LocationName}
		if mem.wire == "" {
			mem.wire = rm.name
		}
		mem.query = cmp.Or(rm.ref.QueryName, mem.wire)
		mem.required = slices.Contains(raw.Required, rm.name)
		s.members = append(s.members, mem)
	}
	return nil
}

func (m *Model) lookup(ref rawRef) (*shape, error) {
	s, ok := m.shapes[ref.Shape]
	if !ok {
		return nil, fmt.Errorf("unknown shape %q", ref.Shape)
	}
	return s, nil
}
