package wire

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/aws/smithy-go"
)

// fault is an error on its way out.
type fault struct {
	code    string
	status  int
	message string
	shape   *shape        // the model's exception, or nil
	codec   *codec        // how to write value, or nil
	value   reflect.Value // the SDK's error struct
	cause   error         // an internal error, for the log only
}

// faultOf turns what a handler returned into the answer of the service.
func (s *Service) faultOf(err error) *fault {
	var own *Error
	if errors.As(err, &own) {
		return &fault{code: own.Code, status: own.Status, message: own.Message, shape: s.exception(own.Code)}
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return s.apiFault(api)
	}
	code := "InternalFailure"
	if s.exception("ServiceException") != nil {
		code = "ServiceException"
	}
	return &fault{
		code: code, status: http.StatusInternalServerError, shape: s.exception(code), cause: err,
		message: "An error occurred and the request cannot be processed.",
	}
}

func (s *Service) apiFault(api smithy.APIError) *fault {
	f := &fault{code: api.ErrorCode(), status: http.StatusBadRequest, message: api.ErrorMessage(), shape: s.exception(api.ErrorCode())}
	if api.ErrorFault() == smithy.FaultServer {
		f.status = http.StatusInternalServerError
	}
	if f.shape == nil {
		return f
	}
	switch {
	case f.shape.status != 0:
		f.status = f.shape.status
	case f.shape.fault:
		f.status = http.StatusInternalServerError
	}
	v := reflect.ValueOf(api)
	if v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct {
		s.mu.Lock()
		defer s.mu.Unlock()
		// An error type that the model does not fit still has its code and message.
		if c, err := s.plans.compile(f.shape, v.Type()); err == nil {
			f.codec, f.value = c, v.Elem()
		}
	}
	return f
}

func (s *Service) exception(code string) *shape {
	if s == nil {
		return nil
	}
	if e := s.model.shapes[code]; e != nil && e.exception {
		return e
	}
	return nil
}

// side says whose fault it is, in the words of AWS's bodies.
func (f *fault) side() string {
	if f.status >= http.StatusInternalServerError {
		return "Service"
	}
	return "User"
}

// appendRest writes the message, spelled as the model spells it, and what else
// the exception carries. Its Type is written by the protocol.
func (f *fault) appendRest(b []byte, comma bool) []byte {
	key := "message"
	if f.shape != nil {
		if m := f.shape.member("message"); m != nil {
			key = m.wire
		}
	}
	if comma {
		b = append(b, ',')
	}
	b = appendString(b, key)
	b = append(b, ':')
	b = appendString(b, f.message)
	if f.codec == nil {
		return b
	}
	for i := range f.codec.fields {
		m := &f.codec.fields[i]
		v := f.value.Field(m.index)
		if m.location != inBody || absent(v) || m.wire == key || m.wire == "Type" {
			continue
		}
		b = append(b, ',')
		b = appendString(b, m.wire)
		b = append(b, ':')
		b = m.codec.append(b, v)
	}
	return b
}

func (f *fault) send(w http.ResponseWriter, contentType string, body []byte) {
	if f.codec != nil {
		for i := range f.codec.fields {
			m := &f.codec.fields[i]
			if v := f.value.Field(m.index); m.location == inHeader && !absent(v) {
				w.Header().Set(m.wire, headerText(v))
			}
		}
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set(errorTypeHeader, f.code)
	writeBody(w, f.status, body)
}
