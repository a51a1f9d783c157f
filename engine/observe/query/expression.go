package query

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// values are those of a series by the second that their period begins at; a number that
// was written as such has one for every period.
type values struct {
	at       map[int64]float64
	constant *float64
	list     []values // of METRICS()
}

// expression is a formula over the results of other queries: numbers, ids, + - * /,
// parentheses, and the functions of callables.
type expression struct {
	ids  []string // that it names
	all  bool     // it takes METRICS()
	tree node
}

type node func(results map[string]values) (values, error)

var token = regexp.MustCompile(`^\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[a-zA-Z_]\w*|[-+*/(),\[\]])`)

// parseExpression reads a formula.
func parseExpression(text string) (*expression, error) {
	p := &parser{expression: &expression{}}
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := token.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("unexpected %q", strings.TrimSpace(rest))
		}
		p.tokens = append(p.tokens, m[1])
		rest = rest[len(m[0]):]
	}
	tree, err := p.sum(0)
	if err != nil {
		return nil, err
	}
	if p.next() != "" {
		return nil, fmt.Errorf("unexpected %q", p.next())
	}
	p.tree = tree
	return p.expression, nil
}

type parser struct {
	*expression
	tokens []string
	pos    int
}

func (p *parser) next() string {
	if p.pos < len(p.tokens) {
		return p.tokens[p.pos]
	}
	return ""
}

func (p *parser) take() string {
	t := p.next()
	p.pos++
	return t
}

func (p *parser) expect(t string) error {
	if got := p.take(); got != t {
		return fmt.Errorf("expected %q, found %q", t, got)
	}
	return nil
}

// maxDepth bounds how deep a formula may be nested.
const maxDepth = 100

func (p *parser) sum(depth int) (node, error) {
	left, err := p.product(depth)
	for err == nil && (p.next() == "+" || p.next() == "-") {
		left, err = p.binary(left, p.product, depth)
	}
	return left, err
}

func (p *parser) product(depth int) (node, error) {
	left, err := p.factor(depth)
	for err == nil && (p.next() == "*" || p.next() == "/") {
		left, err = p.binary(left, p.factor, depth)
	}
	return left, err
}

func (p *parser) binary(left node, operand func(int) (node, error), depth int) (node, error) {
	op := operators[p.take()]
	right, err := operand(depth)
	if err != nil {
		return nil, err
	}
	return func(results map[string]values) (values, error) {
		a, err := left(results)
		if err != nil {
			return a, err
		}
		b, err := right(results)
		if err != nil {
			return b, err
		}
		return combine(a, b, op)
	}, nil
}

var operators = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b },
	"-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b },
	"/": func(a, b float64) float64 { return a / b },
}

// combine applies an operator where both sides have a value, as CloudWatch does. What
// divides by zero has none.
func combine(a, b values, op func(a, b float64) float64) (values, error) {
	if a.list != nil || b.list != nil {
		return values{}, fmt.Errorf("METRICS() can only be the argument of a function")
	}
	switch {
	case a.constant != nil && b.constant != nil:
		v := op(*a.constant, *b.constant)
		return values{constant: &v}, nil
	case a.constant != nil:
		return b.each(func(v float64) float64 { return op(*a.constant, v) }), nil
	case b.constant != nil:
		return a.each(func(v float64) float64 { return op(v, *b.constant) }), nil
	}
	out := values{at: map[int64]float64{}}
	for at, v := range a.at {
		if w, ok := b.at[at]; ok {
			out.set(at, op(v, w))
		}
	}
	return out, nil
}

func (v values) each(change func(float64) float64) values {
	out := values{at: make(map[int64]float64, len(v.at))}
	for at, value := range v.at {
		out.set(at, change(value))
	}
	return out
}

func (v values) set(at int64, value float64) {
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		v.at[at] = value
	}
}

func (p *parser) factor(depth int) (node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested too deeply")
	}
	switch t := p.take(); {
	case t == "":
		return nil, fmt.Errorf("it ends too early")
	case t == "-":
		inner, err := p.factor(depth + 1)
		if err != nil {
			return nil, err
		}
		zero := 0.0
		return func(results map[string]values) (values, error) {
			v, err := inner(results)
			if err != nil {
				return v, err
			}
			return combine(values{constant: &zero}, v, operators["-"])
		}, nil
	case t == "(":
		inner, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case t[0] >= '0' && t[0] <= '9':
		n, err := strconv.ParseFloat(t, 64)
		return func(map[string]values) (values, error) { return values{constant: &n}, nil }, err
	case p.next() == "(":
		return p.call(t, depth)
	case t[0] >= 'a' && t[0] <= 'z':
		p.ids = append(p.ids, t)
		return func(results map[string]values) (values, error) { return results[t], nil }, nil
	default:
		return nil, fmt.Errorf("unexpected %q", t)
	}
}

// allMetrics is the name of the results that METRICS() stands for.
const allMetrics = "METRICS()"

// folds are functions that make one value out of several.
var folds = map[string]func(values []float64) float64{
	"SUM": func(values []float64) float64 {
		total := 0.0
		for _, v := range values {
			total += v
		}
		return total
	},
	"AVG": func(values []float64) float64 {
		total := 0.0
		for _, v := range values {
			total += v
		}
		return total / float64(len(values))
	},
	"MIN": func(values []float64) float64 {
		low := math.Inf(1)
		for _, v := range values {
			low = min(low, v)
		}
		return low
	},
	"MAX": func(values []float64) float64 {
		high := math.Inf(-1)
		for _, v := range values {
			high = max(high, v)
		}
		return high
	},
}

func (p *parser) call(name string, depth int) (node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if name == "METRICS" {
		p.all = true
		return func(results map[string]values) (values, error) { return results[allMetrics], nil }, p.expect(")")
	}
	fold, ok := folds[name]
	if !ok {
		return nil, fmt.Errorf("the engine has no function %s: it has SUM, AVG, MIN, MAX and METRICS", name)
	}
	closing := ")"
	if p.next() == "[" {
		p.take()
		closing = "]"
	}
	var args []node
	for {
		arg, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		if p.next() != "," {
			break
		}
		p.take()
	}
	if err := p.expect(closing); err != nil {
		return nil, err
	}
	if closing == "]" {
		if err := p.expect(")"); err != nil {
			return nil, err
		}
	}
	list := closing == "]" || len(args) > 1
	return func(results map[string]values) (values, error) { return apply(fold, args, list, results) }, nil
}

// apply folds several series into one, period by period, and a single one into a number.
func apply(fold func([]float64) float64, args []node, list bool, results map[string]values) (values, error) {
	var all []values
	for _, arg := range args {
		v, err := arg(results)
		if err != nil {
			return v, err
		}
		if v.list != nil {
			all, list = append(all, v.list...), true
			continue
		}
		all = append(all, v)
	}
	if !list {
		if all[0].constant != nil {
			return all[0], nil
		}
		var numbers []float64
		for _, v := range all[0].at {
			numbers = append(numbers, v)
		}
		if len(numbers) == 0 {
			return values{at: map[int64]float64{}}, nil
		}
		v := fold(numbers)
		return values{constant: &v}, nil
	}
	columns := map[int64][]float64{}
	for _, v := range all {
		for at, value := range v.at {
			columns[at] = append(columns[at], value)
		}
	}
	out := values{at: map[int64]float64{}}
	for at, column := range columns {
		out.set(at, fold(column))
	}
	return out, nil
}
