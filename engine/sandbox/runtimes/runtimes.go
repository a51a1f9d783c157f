// Package runtimes knows what Lambda's runtime identifiers mean: the language,
// the image that carries it, the command that boots it, and the variables that
// a runtime finds. It also holds the interface clients that this project brings
// for machines where AWS's images are not to be had.
package runtimes

import (
	"fmt"
	"slices"
	"strings"
)

// Runtime is one runtime identifier.
type Runtime struct {
	Name     string // such as "python3.13"
	Language Language
	Version  string // such as "3.13"; "al2023" with Provided; the tag of AWS's image
}

// Language is what a runtime runs.
type Language string

// The languages that environments can run.
const (
	Python   Language = "python"
	Node     Language = "nodejs"
	Java     Language = "java"
	Ruby     Language = "ruby"
	DotNet   Language = "dotnet"
	Provided Language = "provided" // whatever the package's own bootstrap is
)

// known lists the identifiers that AWS has had of each language.
var known = map[Language][]string{
	Python: {"3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"},
	Node:   {"18", "20", "22", "24"},
	Java:   {"8.al2", "8.al2023", "11", "11.al2023", "17", "17.al2023", "21", "25"},
	Ruby:   {"3.2", "3.3", "3.4", "4.0"},
	DotNet: {"6", "8", "10"},
}

// Lookup finds a runtime by its identifier.
func Lookup(name string) (Runtime, error) {
	for _, language := range []Language{Python, Java, Ruby, DotNet} {
		if v, ok := strings.CutPrefix(name, string(language)); ok && slices.Contains(known[language], v) {
			return Runtime{Name: name, Language: language, Version: v}, nil
		}
	}
	if v, ok := strings.CutPrefix(name, "nodejs"); ok {
		if v, ok := strings.CutSuffix(v, ".x"); ok && slices.Contains(known[Node], v) {
			return Runtime{Name: name, Language: Node, Version: v}, nil
		}
	}
	switch name {
	case "java8": // on Amazon Linux 1, which is gone
		return Runtime{Name: name, Language: Java, Version: "8.al2"}, nil
	case "provided.al2", "provided.al2023":
		return Runtime{Name: name, Language: Provided, Version: strings.TrimPrefix(name, "provided.")}, nil
	case "provided", "go1.x": // of their time; a bootstrap does not mind
		return Runtime{Name: name, Language: Provided, Version: "al2"}, nil
	}
	return Runtime{}, fmt.Errorf("runtime %q cannot be run here yet: use one of %s, or a container image", name, strings.Join(Names(), ", "))
}

// Names lists the identifiers that Lookup knows.
func Names() []string {
	var names []string
	for _, v := range known[Python] {
		names = append(names, "python"+v)
	}
	for _, v := range known[Node] {
		names = append(names, "nodejs"+v+".x")
	}
	for _, language := range []Language{Java, Ruby, DotNet} {
		for _, v := range known[language] {
			names = append(names, string(language)+v)
		}
	}
	return append(names, "provided.al2", "provided.al2023")
}

// Image is AWS's image of the runtime.
func (r Runtime) Image() string {
	return fmt.Sprintf("public.ecr.aws/lambda/%s:%s", r.Language, r.Version)
}

// StandIn is the image that `make images` builds in place of AWS's. One serves
// all bootstraps: they bring what they need.
func (r Runtime) StandIn() string {
	if r.Language == Provided {
		return "lambdaform/provided:al2023"
	}
	return fmt.Sprintf("lambdaform/%s:%s", r.Language, r.Version)
}

// Bootstraps lists what boots the runtime in a layout, best first: with Provided
// the function's own program or a layer's.
func (r Runtime) Bootstraps(l Layout) [][]string {
	if r.Language != Provided {
		return [][]string{{l.Runtime + "/bootstrap"}}
	}
	found := [][]string{{l.Task + "/bootstrap"}}
	if l.Opt != "" {
		found = append(found, []string{l.Opt + "/bootstrap"})
	}
	return found
}
