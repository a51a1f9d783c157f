package functionurl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
)

// answer is an HTTP response as a function describes it.
type answer struct {
	StatusCode      json.RawMessage            `json:"statusCode"`
	Headers         map[string]json.RawMessage `json:"headers"`
	Cookies         []string                   `json:"cookies"`
	Body            json.RawMessage            `json:"body"`
	IsBase64Encoded bool                       `json:"isBase64Encoded"`

	status int
	body   []byte
}

// answerOf reads what a function has returned. An object with a status code is a
// response; anything else is the body of one.
func answerOf(r invoke.Response) (answer, error) {
	if r.FunctionError != "" {
		return answer{}, fmt.Errorf("the function failed: %s", r.Payload)
	}
	a := answer{status: http.StatusOK}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(r.Payload, &fields) // what is no object has none
	if fields["statusCode"] == nil {
		a.body = text(r.Payload)
		return a, nil
	}
	if err := a.decode(r.Payload); err != nil {
		return a, err
	}
	if string(a.Body) != "null" {
		a.body = text(a.Body)
	}
	if a.IsBase64Encoded {
		raw, err := base64.StdEncoding.DecodeString(string(a.body))
		if err != nil {
			return a, fmt.Errorf("the function returned a body that is not base64, as it says: %w", err)
		}
		a.body = raw
	}
	return a, nil
}

// decode reads a response's description.
func (a *answer) decode(raw []byte) error {
	if err := json.Unmarshal(raw, a); err != nil {
		return fmt.Errorf("the function returned no valid response: %w", err)
	}
	a.status = http.StatusOK
	if len(a.StatusCode) == 0 {
		return nil
	}
	code, err := strconv.Atoi(strings.Trim(string(a.StatusCode), `"`)) // AWS takes both
	if err != nil || code < 200 || code > 599 {
		return fmt.Errorf("the function returned status code %s: use a number from 200 to 599", a.StatusCode)
	}
	a.status = code
	return nil
}

// text returns a string for what it says and any other JSON value without spaces.
// What is no JSON at all comes from a runtime that writes what it likes.
func text(raw json.RawMessage) []byte {
	var s *string
	if json.Unmarshal(raw, &s) == nil && s != nil {
		return []byte(*s)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return raw
	}
	return compact.Bytes()
}

// owned are headers that a function cannot set, as they belong to the connection.
// AWS, too, shows them under another name.
var owned = map[string]bool{
	"Connection": true, "Content-Length": true, "Date": true, "Keep-Alive": true, "Proxy-Authenticate": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// headers writes all of the response but its body.
func (a *answer) headers(w http.ResponseWriter, c cors) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range a.Headers {
		if name = http.CanonicalHeaderKey(name); owned[name] {
			name = "X-Amzn-Remapped-" + name
		}
		h.Set(name, string(text(value)))
	}
	for _, cookie := range a.Cookies {
		h.Add("Set-Cookie", cookie)
	}
	c.headers(h)
}

// write writes the status and the body.
func (a *answer) write(w http.ResponseWriter) {
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller that has gone cannot be told
}
