package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// restJSON is the protocol of Lambda: operations by method and path, members in
// path, query, headers and a JSON body.
type restJSON struct {
	service *Service
	routes  routes
}

func newRestJSON(s *Service) *restJSON {
	p := &restJSON{service: s}
	for _, om := range s.model.operations {
		p.routes.add(s.operations[om.name])
	}
	p.routes.sort()
	return p
}

func (p *restJSON) find(r *http.Request) (*operation, []string) { return p.routes.match(r) }

// codeOperations carry deployment packages.
var codeOperations = []string{"CreateFunction", "UpdateFunctionCode", "PublishLayerVersion"}

func (p *restJSON) read(r *http.Request, op *operation, labels []string) (map[string]any, error) {
	tree := map[string]any{}
	in := op.operationModel.input
	if in == nil {
		return tree, nil
	}
	if op.raw == nil {
		var err error
		if tree, err = p.readBody(r, op, in); err != nil {
			return nil, err
		}
	}
	var query url.Values
	for i := range in.members {
		m := &in.members[i]
		switch m.location {
		case inURI:
			if i := slices.Index(op.labels, m.wire); i >= 0 && i < len(labels) {
				tree[m.name] = fromText(m.shape, labels[i])
			}
		case inQuery:
			if query == nil {
				query = r.URL.Query()
			}
			if values, ok := query[m.wire]; ok {
				tree[m.name] = fromTexts(m.shape, values)
			}
		case inHeader:
			if values := r.Header.Values(m.wire); len(values) > 0 && values[0] != "" {
				tree[m.name] = fromTexts(m.shape, values)
			}
		}
	}
	return tree, nil
}

// readBody returns the tree of the members that travel in the body.
func (p *restJSON) readBody(r *http.Request, op *operation, in *shape) (map[string]any, error) {
	limit := int64(maxRestRequest)
	if slices.Contains(codeOperations, op.name) {
		limit = maxCodeRequest
	}
	body, err := ReadBody(r, limit, op.name)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if payload := in.member(in.payload); payload != nil {
		tree = map[string]any{}
		if payload.shape.kind == "blob" {
			if len(body) > 0 {
				tree[payload.treeKey()] = body
			}
		} else {
			tree[payload.treeKey()], err = parseValue(body)
		}
	} else if slices.ContainsFunc(in.members, func(m member) bool { return m.location == inBody }) {
		tree, err = parseObject(body)
	} else {
		tree = map[string]any{}
	}
	if errors.Is(err, errNotJSON) {
		return nil, &Error{
			Code: "InvalidRequestContentException", Status: http.StatusBadRequest,
			Message: "Could not parse request body into json: " + strings.TrimPrefix(err.Error(), errNotJSON.Error()+": "),
		}
	}
	if err != nil {
		return nil, err
	}
	for i := range in.members { // the body cannot set what travels elsewhere
		if m := &in.members[i]; m.location != inBody {
			delete(tree, m.name)
		}
	}
	return tree, nil
}

// fromText reads a path label, query parameter or header into a tree value.
func fromText(s *shape, text string) any {
	switch s.kind {
	case "integer", "long", "double", "float":
		return json.Number(text)
	case "boolean":
		if b, err := strconv.ParseBool(strings.ToLower(text)); err == nil {
			return b
		}
	case "timestamp":
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text)
		}
	}
	return text
}

func fromTexts(s *shape, texts []string) any {
	if s.kind != "list" {
		return fromText(s, texts[0])
	}
	items := make([]any, len(texts))
	for i, text := range texts {
		items[i] = fromText(s.item, text)
	}
	return items
}

// liveStatus holds the status codes in which AWS differs from its model (spec api A.7).
var liveStatus = map[string]int{"DeleteFunction": http.StatusNoContent}

func (p *restJSON) write(w http.ResponseWriter, op *operation, out reflect.Value) {
	status := op.status
	if status == 0 {
		status = http.StatusOK
	}
	if live, ok := liveStatus[op.name]; ok {
		status = live
	}
	shape := op.operationModel.output
	located, payload := 0, (*field)(nil)
	for i := range op.output.fields {
		f := &op.output.fields[i]
		v := out.Field(f.index)
		switch f.location {
		case inStatusCode:
			located++
			if n := integerValue(v); n >= 200 && n <= 599 {
				status = int(n)
			}
		case inHeader:
			located++
			if !absent(v) {
				w.Header().Set(f.wire, headerText(v))
			}
		case inBody:
			if f.name == shape.payload {
				payload = f
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	var body []byte
	switch {
	case shape == nil || status == http.StatusNoContent:
	case payload != nil:
		v := out.Field(payload.index)
		if payload.codec.shape.kind == "blob" {
			body = v.Bytes()
		} else if !absent(v) {
			body = payload.codec.append(nil, v)
		}
	case located > 0 && located == len(op.output.fields): // nothing is for the body
	default:
		body = op.output.append(make([]byte, 0, 1024), out)
	}
	writeBody(w, status, body)
}

func integerValue(v reflect.Value) int64 {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return 0
		}
		v = v.Elem()
	}
	return v.Int()
}

// headerText prints a member for a header.
func headerText(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UTC().Format(http.TimeFormat)
		}
	}
	return v.String()
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	if status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if len(body) > 0 {
		_, _ = w.Write(body) // the client has gone: there is nobody left to tell
	}
}

func (p *restJSON) fail(w http.ResponseWriter, f *fault) {
	b := []byte{'{'}
	comma := false
	if f.code != "ValidationException" {
		b = append(b, `"Type":`...)
		b = appendString(b, f.side())
		comma = true
	}
	b = f.appendRest(b, comma)
	f.send(w, "application/json", append(b, '}'))
}
