package wire

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
)

// awsJSON is the json-1.0 and json-1.1 protocol: the operation in X-Amz-Target,
// all members in one JSON object.
type awsJSON struct {
	service     *Service
	contentType string
}

func newAWSJSON(s *Service) *awsJSON {
	version := "1.1"
	if s != nil && s.model.Metadata.JSONVersion != "" {
		version = s.model.Metadata.JSONVersion
	}
	return &awsJSON{service: s, contentType: "application/x-amz-json-" + version}
}

func (p *awsJSON) find(r *http.Request) (*operation, []string) {
	prefix, name, ok := cutLast(r.Header.Get(targetHeader), ".")
	if !ok || prefix != p.service.model.Metadata.TargetPrefix || r.Method != http.MethodPost {
		return nil, nil
	}
	return p.service.operations[name], nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (p *awsJSON) read(r *http.Request, op *operation, _ []string) (map[string]any, error) {
	if op.raw != nil {
		return map[string]any{}, nil
	}
	body, err := ReadBody(r, maxJSONRequest, op.name)
	if err != nil {
		return nil, err
	}
	tree, err := parseObject(body)
	if errors.Is(err, errNotJSON) {
		return nil, serialization("%s", strings.TrimPrefix(err.Error(), errNotJSON.Error()+": "))
	}
	return tree, err
}

func (p *awsJSON) write(w http.ResponseWriter, op *operation, out reflect.Value) {
	w.Header().Set("Content-Type", p.contentType)
	if op.operationModel.output == nil {
		writeBody(w, http.StatusOK, nil)
		return
	}
	writeBody(w, http.StatusOK, op.output.append(make([]byte, 0, 1024), out))
}

func (p *awsJSON) fail(w http.ResponseWriter, f *fault) {
	if f.status == http.StatusForbidden {
		f.status = http.StatusBadRequest // this protocol knows no 403
	}
	b := append([]byte{'{'}, `"__type":`...)
	b = appendString(b, f.code)
	b = f.appendRest(b, true)
	f.send(w, p.contentType, append(b, '}'))
}
