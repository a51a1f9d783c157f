package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Service is an API model bound to the Go value that implements it.
type Service struct {
	model      *Model
	protocol   protocol   // nil of a service that speaks several
	protocols  *protocols // of such a service
	operations map[string]*operation

	violation string     // code of the error for a broken constraint
	missing   string     // code of the error for a member that is not there; empty: violation
	resource  resource   // what requests are sent to beside the root
	mu        sync.Mutex // guards plans, which grows when a new type of error is first seen
	plans     planner
}

// operation is one operation of a service, ready to serve.
type operation struct {
	*operationModel
	service   *Service
	handler   reflect.Value // the implementing method; invalid when there is none
	input     *codec        // nil without handler
	output    *codec        // nil without handler
	raw       RawHandler
	labels    []string // names of the URI's labels in order
	unchecked []string // member paths, such as code.s3Bucket
}

// protocol is how the operations of a service travel over HTTP.
type protocol interface {
	// find returns the operation a request asks for, or nil, and its path labels.
	find(r *http.Request) (*operation, []string)
	// read takes a request apart into a tree; for raw operations without the body.
	read(r *http.Request, op *operation, labels []string) (map[string]any, error)
	// write sends an output struct.
	write(w http.ResponseWriter, op *operation, out reflect.Value)
	// fail sends an error.
	fail(w http.ResponseWriter, f *fault)
}

// RawHandler serves an operation by hand, without reflection: it reads the body
// and writes the response. An error that it returns is written as API error,
// unless the response has begun.
type RawHandler func(w http.ResponseWriter, r *http.Request, labels Labels) error

// Labels are the members of a raw operation that travel beside the body, in
// path, query and headers, by the model's member name (FunctionName, Qualifier,
// InvocationType, …). They are decoded and checked; absent ones are left out.
type Labels map[string]string

// Get returns the member of that name, or the empty string.
func (l Labels) Get(member string) string { return l[member] }

// Option changes how NewService binds an operation.
type Option func(*Service) error

// WithRaw serves an operation by hand (see RawHandler).
func WithRaw(name string, h RawHandler) Option {
	return func(s *Service) error {
		op, ok := s.operations[name]
		if !ok {
			return fmt.Errorf("raw operation %s: not in the model", name)
		}
		op.raw = h
		return nil
	}
}

// WithUnchecked exempts members, such as "CreateFunctionInput.Runtime" or
// "CreateFunctionInput.Code.S3Bucket", from the model's constraints, because
// their handler checks them itself and AWS answers another error than
// ValidationException.
func WithUnchecked(members ...string) Option {
	return func(s *Service) error {
		for _, path := range members {
			if err := s.exempt(path); err != nil {
				return err
			}
		}
		return nil
	}
}

// WithViolation sets the code of the error that a request gets which breaks a
// constraint of the model, for services whose model declares one; ValidationException
// otherwise.
func WithViolation(code string) Option {
	return func(s *Service) error {
		if s.exception(code) == nil {
			return fmt.Errorf("violations: the model has no exception %s", code)
		}
		s.violation = code
		return nil
	}
}

// WithMissing sets the code of the error that a request gets which lacks a member, for
// services of the query protocol, whose message is of its own too.
func WithMissing(code string) Option {
	return func(s *Service) error {
		s.missing = code
		return nil
	}
}

// resource is a kind of URL that clients of the query protocol send requests to, and the
// member that it stands for.
type resource struct {
	member string
	path   *regexp.Regexp
}

// WithResource lets requests of the query protocol be sent to paths beside the root: the
// URL is then the member of that name, where the form has none.
func WithResource(member string, path *regexp.Regexp) Option {
	return func(s *Service) error {
		s.resource = resource{member, path}
		return nil
	}
}

func (s *Service) exempt(path string) error {
	input, rest, _ := strings.Cut(path, ".")
	op := s.operations[strings.TrimSuffix(input, "Input")]
	if op == nil || op.operationModel.input == nil || rest == "" {
		return fmt.Errorf("unchecked member %s: no such input", path)
	}
	names := strings.Split(rest, ".")
	at := op.operationModel.input
	for _, name := range names {
		for at.kind == "list" {
			at = at.item
		}
		m := at.member(name)
		if m == nil {
			return fmt.Errorf("unchecked member %s: not in the model", path)
		}
		at = m.shape
	}
	op.unchecked = append(op.unchecked, fieldPath(names))
	return nil
}

// NewService binds every operation of m to the method of the same name on impl:
//
//	func (T) Operation(context.Context, *OperationInput) (*OperationOutput, error)
//
// Operations that impl lacks answer 501 NotImplementedException. A method that
// is named like an operation and has another signature is an error.
func NewService(m *Model, impl any, opts ...Option) (*Service, error) {
	s := &Service{model: m, operations: make(map[string]*operation, len(m.operations)), plans: planner{}}
	for _, om := range m.operations {
		s.operations[om.name] = &operation{operationModel: om, service: s}
	}
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt(s))
	}
	for _, om := range m.operations {
		if err := s.operations[om.name].bind(reflect.ValueOf(impl)); err != nil {
			errs = append(errs, fmt.Errorf("operation %s: %w", om.name, err))
		}
	}
	switch protocol := m.Metadata.Protocol; {
	case len(m.Metadata.Protocols) > 1:
		var err error
		s.protocols, err = newProtocols(s, m.Metadata.Protocols)
		errs = append(errs, err)
	case protocol == "rest-json":
		s.protocol = newRestJSON(s)
	case protocol == "json":
		s.protocol = newAWSJSON(s)
	case protocol == "query":
		s.protocol = newQuery(s)
	default:
		errs = append(errs, fmt.Errorf("protocol %q is not supported", protocol))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("bind service %s: %w", m.Name, err)
	}
	return s, nil
}

// Operation is an operation of the model.
type Operation struct {
	Name   string
	Served bool // false: it answers 501
}

// Operations lists the operations of the model by name.
func (s *Service) Operations() []Operation {
	var all []Operation
	for name, op := range s.operations {
		all = append(all, Operation{Name: name, Served: op.raw != nil || op.handler.IsValid()})
	}
	slices.SortFunc(all, func(a, b Operation) int { return strings.Compare(a.Name, b.Name) })
	return all
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

func (op *operation) bind(impl reflect.Value) error {
	if op.raw != nil || !impl.IsValid() {
		return nil
	}
	method := impl.MethodByName(op.name)
	if !method.IsValid() {
		return nil
	}
	t := method.Type()
	if t.NumIn() != 2 || t.NumOut() != 2 || t.IsVariadic() || t.In(0) != contextType || t.Out(1) != errorType ||
		!isStruct(t.In(1), op.name+"Input") || !isStruct(t.Out(0), op.name+"Output") {
		return fmt.Errorf("method has type %s, want func(context.Context, *%[2]sInput) (*%[2]sOutput, error)", t, op.name)
	}
	if err := op.compile(t.In(1), t.Out(0)); err != nil {
		return err
	}
	op.handler = method
	return nil
}

func isStruct(t reflect.Type, name string) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && t.Elem().Name() == name
}

// compile plans the operation for the SDK's input and output types.
func (op *operation) compile(in, out reflect.Type) (err error) {
	empty := &shape{kind: "structure"}
	plan := func(s *shape, t reflect.Type) (*codec, error) {
		if s == nil {
			s = empty
		}
		return op.service.plans.compile(s, t)
	}
	if op.input, err = plan(op.operationModel.input, in); err != nil {
		return err
	}
	op.output, err = plan(op.operationModel.output, out)
	return err
}

// protocolOf is the protocol that a request is in.
func (s *Service) protocolOf(r *http.Request) protocol {
	if s.protocols != nil {
		return s.protocols.of(r)
	}
	return s.protocol
}

// serve answers a request whose operation is known.
func (op *operation) serve(w http.ResponseWriter, r *http.Request, labels []string) error {
	if op.raw == nil && !op.handler.IsValid() {
		return notImplemented(op.service.model.Metadata.ServiceID, op.name)
	}
	protocol := op.service.protocolOf(r)
	tree, err := protocol.read(r, op, labels)
	if err != nil {
		return err
	}
	if op.raw != nil {
		if err := op.check(tree, func(m *member) bool { return m.location != inBody }); err != nil {
			return err
		}
		texts := make(Labels, len(tree))
		for name, value := range tree {
			texts[name] = show(value)
		}
		return op.raw(w, r, texts)
	}
	out, err := op.call(r.Context(), tree)
	if err != nil {
		return err
	}
	protocol.write(w, op, out)
	return nil
}

// call decodes and checks the tree, runs the handler and returns its output struct.
func (op *operation) call(ctx context.Context, tree map[string]any) (reflect.Value, error) {
	in := reflect.New(op.input.typ)
	if err := op.input.decode(tree, in.Elem()); err != nil {
		return reflect.Value{}, err
	}
	if err := op.check(tree, nil); err != nil {
		return reflect.Value{}, err
	}
	ctx = context.WithValue(ctx, treeKey{}, tree)
	result := op.handler.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, _ := result[1].Interface().(error); err != nil {
		return reflect.Value{}, err
	}
	if result[0].IsNil() {
		return reflect.New(op.output.typ).Elem(), nil
	}
	return result[0].Elem(), nil
}

type treeKey struct{}

// Given tells a handler whether the request has a member, which the SDK's struct does not
// tell where zero and nothing are the same there. The path is of names and, in lists,
// positions.
func Given(ctx context.Context, path ...any) bool {
	at := ctx.Value(treeKey{})
	for _, step := range path {
		switch step := step.(type) {
		case string:
			tree, _ := at.(map[string]any)
			at = tree[step]
		case int:
			list, _ := at.([]any)
			if step >= len(list) {
				return false
			}
			at = list[step]
		}
	}
	return at != nil
}

// check holds the tree against the model.
func (op *operation) check(tree map[string]any, want func(*member) bool) error {
	if op.operationModel.input == nil {
		return nil
	}
	var v validator
	v.structure(op.operationModel.input, tree, want)
	if len(op.unchecked) > 0 {
		v.found = slices.DeleteFunc(v.found, func(f violation) bool {
			return slices.Contains(op.unchecked, fieldPath(withoutPositions(f.path)))
		})
	}
	if i := slices.IndexFunc(v.found, func(f violation) bool { return f.missing }); i >= 0 && op.service.missing != "" {
		path := withoutPositions(v.found[i].path)
		return &Error{Code: op.service.missing, Status: http.StatusBadRequest, Message: "The request must contain the parameter " + path[len(path)-1] + "."}
	}
	err := validationError(v.found)
	if err != nil && op.service.violation != "" {
		err.Code = op.service.violation
	}
	if err == nil { // a nil pointer in an interface is no nil
		return nil
	}
	return err
}

// withoutPositions takes "1", "member" out of a path.
func withoutPositions(path []string) []string {
	var names []string
	for i := 0; i < len(path); i++ {
		if i+1 < len(path) && path[i+1] == "member" {
			i++
			continue
		}
		names = append(names, path[i])
	}
	return names
}

func notImplemented(service, operation string) *Error {
	return &Error{
		Code: "NotImplementedException", Status: http.StatusNotImplemented,
		Message: fmt.Sprintf("The engine does not implement the %s operation of %s.", operation, service),
	}
}
