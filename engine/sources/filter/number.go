package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// number returns a value that can be compared with others.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case json.Number:
		return double(v)
	case float64:
		return v, true
	}
	return 0, false
}

// double returns a number as a double, unless that is another number: one with more
// digits than a double keeps equals only what is written alike.
func double(n json.Number) (float64, bool) {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return 0, false
	}
	digits, exponent, ok := decimal(string(n))
	if !ok {
		return 0, false
	}
	shortest, same, _ := decimal(strconv.FormatFloat(f, 'e', -1, 64))
	return f, digits == shortest && exponent == same
}

// decimal takes a number apart: 0.digits × 10^exponent, without zeros at either end.
// Digits begin with a minus sign if the number is negative.
func decimal(text string) (digits string, exponent int, ok bool) {
	text, negative := strings.CutPrefix(text, "-")
	mantissa := text
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(text[i+1:]); err != nil || exponent > 1<<20 || exponent < -1<<20 {
			return "", 0, false
		}
		mantissa = text[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent += len(whole)
	digits = whole + fraction
	significant := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(significant)
	significant = strings.TrimRight(significant, "0")
	if significant == "" {
		return "", 0, true
	}
	if negative {
		significant = "-" + significant
	}
	return significant, exponent, true
}

// equalNumber compares numbers by value, and by how they are written.
func equalNumber(want json.Number) test {
	f, ok := double(want)
	return func(value any) bool {
		if value == want {
			return true
		}
		other, isNumber := number(value)
		return ok && isNumber && f == other
	}
}

// compileNumeric reads a comparison with a number, such as [">", 0], or a range, such
// as [">=", 0, "<", 5].
func compileNumeric(argument any) (test, error) {
	terms, ok := argument.([]any)
	if !ok || len(terms) != 2 && len(terms) != 4 {
		return nil, errors.New("numeric takes one or two pairs of an operator and a number")
	}
	first, operator, bottom, err := comparison(terms[0], terms[1])
	if err != nil || len(terms) == 2 {
		return first, err
	}
	second, upper, top, err := comparison(terms[2], terms[3])
	switch {
	case err != nil:
		return nil, err
	case operator[0] != '>' || upper[0] != '<':
		return nil, errors.New("a numeric range has a lower bound, and then an upper one")
	case bottom >= top:
		return nil, errors.New("bottom must be less than top")
	}
	return func(value any) bool { return first(value) && second(value) }, nil
}

func comparison(operator, bound any) (t test, op string, f float64, err error) {
	n, ok := bound.(json.Number)
	if ok {
		f, ok = double(n)
	}
	if !ok {
		return nil, "", 0, errors.New("numeric compares with numbers of double precision")
	}
	op, _ = operator.(string)
	holds := func(float64) bool { return false }
	switch op {
	case "=":
		holds = func(v float64) bool { return v == f }
	case ">":
		holds = func(v float64) bool { return v > f }
	case ">=":
		holds = func(v float64) bool { return v >= f }
	case "<":
		holds = func(v float64) bool { return v < f }
	case "<=":
		holds = func(v float64) bool { return v <= f }
	default:
		return nil, "", 0, fmt.Errorf("unrecognized numeric operator %v", operator)
	}
	return func(value any) bool {
		v, ok := number(value)
		return ok && holds(v)
	}, op, f, nil
}
