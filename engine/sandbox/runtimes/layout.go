package runtimes

import (
	"maps"
	"strings"
)

// Layout is where things are in an environment.
type Layout struct {
	Task    string // the function's code
	Runtime string // the interface client
	Opt     string // layers; empty when there is no such place
	Temp    string // set as TMPDIR unless it is /tmp
	Path    string // PATH after the layout's own directories
}

// Container is the layout of AWS's images.
var Container = Layout{
	Task:    "/var/task",
	Runtime: "/var/runtime",
	Opt:     "/opt",
	Temp:    "/tmp",
	Path:    "/var/lang/bin:/usr/local/bin:/usr/bin:/bin",
}

// Env returns the variables that a runtime finds, as AWS documents them, with
// those of over on top, the last ones first: an image's own, the function's. The
// two addresses AWS_LAMBDA_RUNTIME_API and AWS_ENDPOINT_URL are added by the
// supervisor, which alone knows them. The zero Runtime is that of an image that
// brings everything itself.
func (r Runtime) Env(l Layout, handler string, over ...map[string]string) map[string]string {
	env := map[string]string{
		"LANG":               "en_US.UTF-8",
		"TZ":                 ":UTC",
		"LAMBDA_TASK_ROOT":   l.Task,
		"LAMBDA_RUNTIME_DIR": l.Runtime,
		"PATH":               l.Path,
		// No daemon listens: what an X-Ray SDK sends gets lost, as where tracing is off.
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":  "127.0.0.1:2000",
	}
	if l.Opt != "" {
		env["PATH"] = paths(l.Path, l.Opt+"/bin")
	}
	if l == Container { // the user has no entry in /etc/passwd of AWS's images, where SDKs look for a home
		env["HOME"] = "/home/sbx_user1051"
	}
	if l.Temp != "/tmp" {
		env["TMPDIR"] = l.Temp
	}
	if r.Name != "" && r.Language != Provided { // which AWS says nothing about
		env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + r.Name
	}
	if r.Name != "" {
		env["LD_LIBRARY_PATH"] = paths(l.Runtime, l.Runtime+"/lib", l.Task, l.Task+"/lib", opt(l, "/lib"))
	}
	switch r.Language {
	case Node:
		env["NODE_PATH"] = paths(opt(l, "/nodejs/node"+r.Version+"/node_modules"), opt(l, "/nodejs/node_modules"),
			l.Runtime+"/node_modules", l.Runtime, l.Task)
	case Python:
		// An image's own bootstrap knows the path, and takes this variable as the
		// function's wish to have another.
		if l != Container {
			env["PYTHONPATH"] = paths(opt(l, "/python/lib/python"+r.Version+"/site-packages"), opt(l, "/python"), l.Runtime)
		}
	case Java:
		// AWS's interface client knows by itself where libraries are: in lib beside
		// the code, and in /opt/java/lib.
		if l != Container && l.Opt != "" {
			env["CLASSPATH"] = l.Opt + "/java/lib/*"
		}
	case Ruby:
		if l != Container {
			env["GEM_PATH"] = paths(l.Task+"/vendor/bundle/ruby/"+r.Version+".0", opt(l, "/ruby/gems/"+r.Version+".0"))
			env["RUBYLIB"] = paths(l.Task, opt(l, "/ruby/lib"))
		}
	case DotNet, Provided: // what they need they bring
	}
	for _, vars := range over {
		maps.Copy(env, vars)
	}
	env["_HANDLER"] = handler
	return env
}

// Extensions is where external extensions are, if there are any.
func (l Layout) Extensions() string { return opt(l, "/extensions") }

func opt(l Layout, path string) string {
	if l.Opt == "" {
		return ""
	}
	return l.Opt + path
}

// paths joins those that are not empty.
func paths(all ...string) string {
	var b strings.Builder
	for _, p := range all {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(':')
		}
		b.WriteString(p)
	}
	return b.String()
}
