package wire

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// awsQuery is the query protocol: a form with Action and dotted member names,
// answered in XML.
type awsQuery struct {
	service *Service
}

func newQuery(s *Service) *awsQuery { return &awsQuery{service: s} }

// isForm tells whether the body is a form; only then may it be read to route.
func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

func (p *awsQuery) find(r *http.Request) (*operation, []string) {
	to := p.service.resource.path
	if r.Method == http.MethodPost && !isForm(r) || r.URL.Path != "/" && (to == nil || !to.MatchString(r.URL.Path)) {
		return nil, nil
	}
	// A form that does not parse has no Action, or lacks what is then reported as missing.
	_ = r.ParseForm()
	if v := r.Form.Get("Version"); v != "" && v != p.service.model.Metadata.APIVersion {
		return nil, nil
	}
	return p.service.operations[r.Form.Get("Action")], nil
}

func (p *awsQuery) read(r *http.Request, op *operation, _ []string) (map[string]any, error) {
	tree := map[string]any{}
	if in := op.operationModel.input; in != nil {
		if t, ok := formValue(in, r.Form, "").(map[string]any); ok {
			tree = t
		}
		name := p.service.resource.member
		if m := in.member(name); m != nil && tree[m.wire] == nil && r.URL.Path != "/" {
			tree[m.wire] = "http://" + r.Host + r.URL.Path
		}
	}
	return tree, nil
}

// formValue reads the value at a dotted name, or nil when the form has nothing there.
func formValue(s *shape, form url.Values, name string) any {
	switch s.kind {
	case "structure":
		if name != "" && !hasPrefix(form, name+".") {
			return nil
		}
		tree := map[string]any{}
		for i := range s.members {
			m := &s.members[i]
			if v := formValue(m.shape, form, strings.TrimPrefix(name+"."+m.query, ".")); v != nil {
				tree[m.wire] = v
			}
		}
		return tree
	case "list":
		var items []any
		for {
			item := formValue(s.item, form, s.place(name, "member", s.itemName, len(items)+1))
			if item == nil {
				break
			}
			items = append(items, item)
		}
		if items == nil {
			return nil
		}
		return items
	case "map":
		entries := map[string]any{}
		for i := 1; ; i++ {
			at := s.place(name, "entry", "", i) + "."
			key, ok := formValue(s.key, form, at+cmp.Or(s.keyName, "key")).(string)
			if !ok {
				break
			}
			entries[key] = formValue(s.item, form, at+cmp.Or(s.itemName, "value"))
		}
		if len(entries) == 0 {
			return nil
		}
		return entries
	}
	if !form.Has(name) {
		return nil
	}
	return fromText(s, form.Get(name))
}

// place is the name of the nth item of a list or map in a form. The items of a flattened
// one stand where it would, under a name of their own if they have one.
func (s *shape) place(name, standard, own string, n int) string {
	switch {
	case !s.flattened:
		name += "." + cmp.Or(own, standard)
	case own != "":
		name = name[:strings.LastIndex(name, ".")+1] + own
	}
	return name + "." + strconv.Itoa(n)
}

func hasPrefix(form url.Values, prefix string) bool {
	for name := range form {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (p *awsQuery) write(w http.ResponseWriter, op *operation, out reflect.Value) {
	var b strings.Builder
	b.WriteString("<" + op.name + `Response xmlns="` + p.service.model.Metadata.XMLNamespace + `">`)
	if op.operationModel.output != nil {
		op.output.writeXML(&b, op.name+"Result", out)
	}
	b.WriteString("<ResponseMetadata><RequestId>" + w.Header().Get(requestIDHeader) + "</RequestId></ResponseMetadata>")
	b.WriteString("</" + op.name + "Response>")
	w.Header().Set("Content-Type", "text/xml")
	writeBody(w, http.StatusOK, []byte(b.String()))
}

// writeXML writes v as an element of that name.
func (c *codec) writeXML(b *strings.Builder, name string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if c.shape.flattened {
		if c.shape.kind == "map" {
			c.writeEntries(b, name, v)
			return
		}
		for i := range v.Len() {
			c.item.writeXML(b, cmp.Or(c.shape.itemName, name), v.Index(i))
		}
		return
	}
	b.WriteString("<" + name + ">")
	switch c.shape.kind {
	case "structure":
		for i := range c.fields {
			f := &c.fields[i]
			if fv := v.Field(f.index); !absent(fv) {
				f.codec.writeXML(b, f.query, fv)
			}
		}
	case "list":
		for i := range v.Len() {
			c.item.writeXML(b, cmp.Or(c.shape.itemName, "member"), v.Index(i))
		}
	case "map":
		c.writeEntries(b, "entry", v)
	case "timestamp":
		b.WriteString(v.Interface().(time.Time).UTC().Format("2006-01-02T15:04:05.000Z"))
	case "blob":
		b.WriteString(base64.StdEncoding.EncodeToString(v.Bytes()))
	case "double", "float":
		b.Write(appendDouble(nil, v.Float()))
	default:
		writeText(b, headerText(v))
	}
	b.WriteString("</" + name + ">")
}

// writeEntries writes the entries of a map, in the order of their keys.
func (c *codec) writeEntries(b *strings.Builder, name string, v reflect.Value) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
	for _, key := range keys {
		b.WriteString("<" + name + ">")
		c.key.writeXML(b, cmp.Or(c.shape.keyName, "key"), key)
		c.item.writeXML(b, cmp.Or(c.shape.itemName, "value"), v.MapIndex(key))
		b.WriteString("</" + name + ">")
	}
}

func writeText(b *strings.Builder, text string) {
	_ = xml.EscapeText(b, []byte(text)) // a strings.Builder does not fail
}

// queryCodes are the names that the query protocol has for errors of signatures.
var queryCodes = map[string]string{
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"UnrecognizedClientException":         "InvalidClientTokenId",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"IncompleteSignatureException":        "IncompleteSignature",
	"ValidationException":                 "ValidationError",
	"ServiceException":                    "InternalFailure",
	"AccessDeniedException":               "AccessDenied",
	"InvalidParameterValueException":      "InvalidParameterValue",
	"MissingRequiredParameterException":   "MissingParameter",
}

func (p *awsQuery) fail(w http.ResponseWriter, f *fault) {
	f.code = f.queryCode()
	side := "Sender"
	if f.status >= http.StatusInternalServerError {
		side = "Receiver"
	}
	var b strings.Builder
	b.WriteString(`<ErrorResponse xmlns="` + p.service.model.Metadata.XMLNamespace + `"><Error><Type>` + side + "</Type><Code>")
	writeText(&b, f.code)
	b.WriteString("</Code><Message>")
	writeText(&b, f.message)
	b.WriteString("</Message></Error><RequestId>" + w.Header().Get(requestIDHeader) + "</RequestId></ErrorResponse>")
	f.send(w, "text/xml", []byte(b.String()))
}
