package packaging

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// HandlerError says why a runtime will not find a function's handler.
type HandlerError struct {
	Handler string
	Reason  string // a sentence
}

func (e *HandlerError) Error() string {
	return fmt.Sprintf("handler %q: %s", e.Handler, e.Reason)
}

// CheckHandler returns a [*HandlerError] if the package does not hold the file
// that the runtime will load for handler. It knows python, nodejs and provided
// runtimes; any other passes, as does a handler with an absolute path, which
// names a file of a layer.
func CheckHandler(pkg fs.FS, runtime, handler string) error {
	switch {
	case strings.HasPrefix(runtime, "provided"), runtime == "go1.x":
		return checkExecutable(pkg, runtime, handler)
	case strings.HasPrefix(handler, "/"):
		return nil
	case strings.HasPrefix(runtime, "python"):
		return checkPython(pkg, handler)
	case strings.HasPrefix(runtime, "nodejs"):
		return checkNode(pkg, handler)
	}
	return nil
}

func checkExecutable(pkg fs.FS, runtime, handler string) error {
	file := "bootstrap"
	if runtime == "go1.x" {
		file = handler
	}
	info, err := fs.Stat(pkg, file)
	switch {
	case err != nil:
		return &HandlerError{handler, fmt.Sprintf("The runtime %s starts the file %q at the top of the package, which is not there.", runtime, file)}
	case info.IsDir():
		return &HandlerError{handler, fmt.Sprintf("The runtime %s starts the file %q, which is a directory in this package.", runtime, file)}
	case info.Mode()&0o111 == 0:
		return &HandlerError{handler, fmt.Sprintf("The runtime %s starts the file %q, which is not executable: chmod 0755 it.", runtime, file)}
	}
	return nil
}

func checkPython(pkg fs.FS, handler string) error {
	dot := strings.LastIndex(handler, ".")
	if dot <= 0 || dot == len(handler)-1 {
		return &HandlerError{handler, "A Python handler is module.function."}
	}
	module := strings.ReplaceAll(handler[:dot], ".", "/")
	for _, pattern := range []string{module + ".py", module + "/__init__.py", module + ".pyc", module + ".so", module + ".*.so"} {
		if matches, err := fs.Glob(pkg, pattern); err == nil && len(matches) > 0 {
			return nil
		}
	}
	return &HandlerError{handler, fmt.Sprintf("The package has neither %s.py nor %s/__init__.py.", module, module)}
}

func checkNode(pkg fs.FS, handler string) error {
	dir, base := path.Split(handler)
	name, function, found := strings.Cut(base, ".")
	if !found || name == "" || function == "" {
		return &HandlerError{handler, "A Node.js handler is file.function."}
	}
	file := path.Join(dir, name)
	for _, ext := range []string{".js", ".mjs", ".cjs"} {
		if info, err := fs.Stat(pkg, file+ext); err == nil && !info.IsDir() {
			return nil
		}
	}
	if info, err := fs.Stat(pkg, file); err == nil && !info.IsDir() {
		return nil
	}
	return &HandlerError{handler, fmt.Sprintf("The package has none of %s.js, %s.mjs and %s.cjs.", file, file, file)}
}

// IsHandlerError reports whether err is about a handler that is not in its
// package, rather than about reading the package.
func IsHandlerError(err error) bool {
	var h *HandlerError
	return errors.As(err, &h)
}
