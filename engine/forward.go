package engine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// forwarders are the services that Config.Services puts elsewhere: their requests go
// there as they are, but signed anew with the credentials that the engine's own calls to
// the service have. So whoever calls, a client, a function, a poller, sees the same.
func (e *Engine) forwarders() (func(service string) http.Handler, error) {
	all := map[string]http.Handler{}
	for service, endpoint := range e.config.Services {
		to, err := url.Parse(endpoint)
		if err != nil {
			return nil, fmt.Errorf("services: %s = %q: %w", service, endpoint, err)
		}
		if !e.answers(endpoint) { // or it would be sent round for ever
			all[service] = e.forwarder(service, to)
		}
	}
	return func(service string) http.Handler { return all[service] }, nil
}

func (e *Engine) forwarder(service string, to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to) // and its host, which the signature covers
		},
		Transport: &resigner{engine: e, service: service, next: &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		}},
		ErrorLog: slog.NewLogLogger(e.config.Logger.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // nobody is there to be told
			}
			e.config.Logger.Warn("a request could not be forwarded", "service", service, "endpoint", to.String(), "error", err)
			wire.WriteError(w, r, &wire.Error{
				Code: "ServiceUnavailableException", Status: http.StatusServiceUnavailable,
				Message: fmt.Sprintf("The engine forwards requests for %s to %s, which does not answer: %v.", service, to, err),
			})
		},
	}
}

// resigner signs requests with the credentials of the engine's own calls.
type resigner struct {
	engine  *Engine
	service string
	next    http.RoundTripper
}

const (
	payloadHeader = "X-Amz-Content-Sha256"
	// maxForwarded is the most that is read of a body to sign it: AWS takes up to 16 MB.
	maxForwarded = 32 << 20
)

// RoundTrip implements http.RoundTripper. A body that is signed piece by piece stays as
// it is, with its signature: to sign it anew would be to take it apart.
func (s *resigner) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.Header.Get(payloadHeader), "STREAMING-AWS4-") {
		return s.next.RoundTrip(r)
	}
	ctx := r.Context()
	caller := wire.CallerFrom(ctx)
	route, err := s.engine.route(ctx, s.service, catalog.Scope{Account: caller.Account, Region: caller.Region})
	if err != nil {
		return nil, err
	}
	who, err := route.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", s.service, err)
	}
	r = r.Clone(ctx)
	unsign(r)
	sum, err := s.payload(r)
	if err != nil {
		return nil, err
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.service == "s3" })
	if err := signer.SignHTTP(ctx, who, r, sum, s.service, caller.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign a request for %s: %w", s.service, err)
	}
	return s.next.RoundTrip(r)
}

// unsign takes away a request's signature, wherever it is.
func unsign(r *http.Request) {
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Expect"} {
		r.Header.Del(name)
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-") {
		return
	}
	query := r.URL.Query()
	for _, name := range []string{"Algorithm", "Credential", "Date", "Expires", "Security-Token", "Signature", "SignedHeaders"} {
		query.Del("X-Amz-" + name)
	}
	r.URL.RawQuery = query.Encode()
}

// payload returns what stands for the body in the signature: its hash, which S3's
// clients send, or may leave out.
func (s *resigner) payload(r *http.Request) (string, error) {
	if s.service == "s3" {
		sum := cmp.Or(r.Header.Get(payloadHeader), "UNSIGNED-PAYLOAD")
		r.Header.Set(payloadHeader, sum)
		return sum, nil
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxForwarded+1)); err != nil {
			return "", fmt.Errorf("read the request: %w", err)
		}
		_ = r.Body.Close()
	}
	if len(body) > maxForwarded {
		return "", fmt.Errorf("the request is larger than %d MB", maxForwarded>>20)
	}
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil } // for a connection that has gone
	sum := sha256.Sum256(body)
	if r.Header.Get(payloadHeader) != "" {
		r.Header.Set(payloadHeader, hex.EncodeToString(sum[:]))
	}
	return hex.EncodeToString(sum[:]), nil
}
