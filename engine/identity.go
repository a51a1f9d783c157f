package engine

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/api"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// How callers are known.
const (
	authenticateAny    = "any"
	authenticateStrict = "strict"
)

func (e *Engine) strict() bool { return e.config.Authentication == authenticateStrict }

// onLoopback tells whether only this machine can reach an address.
func onLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// identify settles who may call, once it is known from where. A strict engine that
// is given no credentials issues one, of its own account.
func (e *Engine) identify() error {
	c := &e.config
	switch c.Authentication {
	case authenticateAny, authenticateStrict:
	case "":
		c.Authentication = authenticateStrict
		if onLoopback(e.listener.Addr()) {
			c.Authentication = authenticateAny
		}
	default:
		return fmt.Errorf("unknown authentication %q: use any or strict", c.Authentication)
	}
	known := make(map[string]wire.Credential, len(c.Credentials)+1)
	for id, credential := range c.Credentials {
		complete, err := c.complete(credential)
		if err == nil && !accessKey.MatchString(id) {
			err = fmt.Errorf("the access key must be of letters, digits and underscores")
		}
		if err == nil && e.strict() && credential.SecretKey == "" {
			err = fmt.Errorf("strict authentication needs its secret_key")
		}
		if err != nil {
			return fmt.Errorf("credentials %q: %w", id, err)
		}
		known[id] = complete
	}
	if e.strict() && len(known) == 0 {
		key, err := daemon.IssueKey(c.DataDir)
		if err != nil {
			return err
		}
		known[key.AccessKeyID] = wire.Credential{Identity: wire.Root(c.Account), SecretKey: key.SecretAccessKey}
		e.issued = true
	}
	c.Credentials = known
	return nil
}

// What the parts of a credential look like.
var (
	accessKey    = regexp.MustCompile(`^\w{1,128}$`)
	accountID    = regexp.MustCompile(`^\d{12}$`)
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(?:root|(?:user|role|assumed-role|federated-user)/\S+)$`)
	organization = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
)

// complete fills in what a credential leaves out, and refuses what contradicts itself.
func (c Config) complete(credential wire.Credential) (wire.Credential, error) {
	who := &credential.Identity
	principal := principalARN.FindStringSubmatch(who.Principal)
	switch {
	case who.Principal != "" && principal == nil:
		return credential, fmt.Errorf("principal %q is not the ARN of a root user, user, role or session", who.Principal)
	case principal != nil && who.Account == "":
		who.Account = principal[1]
	case principal != nil && who.Account != principal[1]:
		return credential, fmt.Errorf("account_id is %s, but the principal is one of account %s", who.Account, principal[1])
	case who.Account == "":
		who.Account = c.Account
	}
	switch {
	case !accountID.MatchString(who.Account):
		return credential, fmt.Errorf("account_id %q must have 12 digits", who.Account)
	case who.Organization != "" && !organization.MatchString(who.Organization):
		return credential, fmt.Errorf("organization %q must have the form o-abcdefghij", who.Organization)
	case who.Service == "" && (who.SourceARN != "" || who.SourceAccount != "" || who.EventSourceToken != ""):
		return credential, fmt.Errorf("source_arn, source_account and event_source_token are told by services: set service too")
	case who.Service != "" && who.Principal != "":
		return credential, fmt.Errorf("a service has no principal: remove one of both")
	case who.SourceAccount != "" && !accountID.MatchString(who.SourceAccount):
		return credential, fmt.Errorf("source_account %q must have 12 digits", who.SourceAccount)
	case who.SourceARN != "" && strings.Count(who.SourceARN, ":") < 5:
		return credential, fmt.Errorf("source_arn %q is no ARN", who.SourceARN)
	}
	if who.Service == "" && who.Principal == "" {
		who.Principal = wire.Root(who.Account).Principal
	}
	return credential, nil
}

// callers is what the wire layer has to know of them.
func (e *Engine) callers(elsewhere func(service string) http.Handler) wire.ServerConfig {
	return wire.ServerConfig{
		Account: e.config.Account, Region: e.config.Region, Credentials: e.config.Credentials, Strict: e.strict(), Logger: e.config.Logger,
		Elsewhere: elsewhere,
	}
}

// mayReload tells whether a caller is the engine's owner, who alone may have it read
// directories of this machine: not what runs in it, and where callers are told apart
// not those that it was configured with.
func (e *Engine) mayReload(c wire.Caller) bool {
	return onLoopback(e.listener.Addr()) && !c.Inside && (!e.strict() || e.issued)
}

// functionEndpoint serves the AWS calls of a function. They come from inside, so
// that they are its role's without a signature. Links to code lead here as well.
func (e *Engine) functionEndpoint(function catalog.Ref, role string) http.Handler {
	name := role[strings.LastIndex(role, "/")+1:]
	who := wire.Identity{
		Account:   function.Account,
		Principal: "arn:aws:sts::" + function.Account + ":assumed-role/" + name + "/" + function.Name,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, api.LinkPath) {
			e.links.ServeHTTP(w, r)
			return
		}
		e.services.Inside(who).ServeHTTP(w, r)
	})
}
