package engine

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/sources/functionurl"
)

// guard keeps web pages out. On loopback the engine asks nobody for a password and
// runs what it is sent, and a browser lets any page send requests to 127.0.0.1. Such
// a request has an Origin; after DNS rebinding it has the page's own name as Host.
// Beyond loopback names are many, and no page can forge the signature of a request.
// Function URLs are there for web pages: who may call them, and from which page a
// browser may read the answer, is said by their own settings.
func (e *Engine) guard(next http.Handler) http.Handler {
	anyHost := e.strict() && !onLoopback(e.listener.Addr())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !anyHost && !localName(hostname(r.Host)):
			refuse(w, "The engine does not answer to the host name "+r.Host+": use 127.0.0.1, localhost or a name without dots.")
		case !localOrigin(r.Header.Get("Origin")) && !functionurl.Addresses(r):
			refuse(w, "The engine does not answer to web pages of "+r.Header.Get("Origin")+".")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, message string) {
	w.Header().Set("x-amzn-ErrorType", "AccessDeniedException")
	writeJSON(w, http.StatusForbidden, map[string]string{"message": message})
}

// localName tells whether a host name cannot belong to a stranger: an address, this
// machine's own name, or one that only a container network knows.
func localName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	return net.ParseIP(host) != nil || !strings.Contains(host, ".") ||
		strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".docker.internal")
}

// localOrigin tells whether a request comes from no page at all, or from one of this
// machine that is no function's: what those show may be anybody's.
func localOrigin(origin string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || functionurl.OwnHost(u.Host) { // "null" is the origin of sandboxed pages and files
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}
