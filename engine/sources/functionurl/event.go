package functionurl

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// defaultRoute is the only route and the only stage of a function URL.
const defaultRoute = "$default"

// payload is an event of format 2.0. What a request lacks is left out.
type payload struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  requestContext    `json:"requestContext"`
	Body            *string           `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID      string      `json:"accountId"`
	APIID          string      `json:"apiId"`
	Authentication any         `json:"authentication"` // of client certificates: always null
	Authorizer     *authorizer `json:"authorizer,omitempty"`
	DomainName     string      `json:"domainName"`
	DomainPrefix   string      `json:"domainPrefix"`
	HTTP           request     `json:"http"`
	RequestID      string      `json:"requestId"`
	RouteKey       string      `json:"routeKey"`
	Stage          string      `json:"stage"`
	Time           string      `json:"time"`
	TimeEpoch      int64       `json:"timeEpoch"`
}

type request struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

type authorizer struct {
	IAM identity `json:"iam"`
}

type identity struct {
	AccessKey       string  `json:"accessKey"`
	AccountID       string  `json:"accountId"`
	CallerID        string  `json:"callerId"`
	CognitoIdentity *string `json:"cognitoIdentity"`
	PrincipalOrgID  *string `json:"principalOrgId"`
	UserARN         string  `json:"userArn"`
	UserID          string  `json:"userId"`
}

// anonymous is the account of callers through a URL that asks for no signature.
const anonymous = "anonymous"

// event makes a request the event of a call.
func event(r *http.Request, path string, f catalog.Function, u catalog.URL, call invoke.Request, caller wire.Caller) ([]byte, error) {
	now := time.Now().UTC()
	source, _, _ := net.SplitHostPort(r.RemoteAddr)
	e := payload{
		Version: "2.0", RouteKey: defaultRoute, RawPath: path, RawQueryString: r.URL.RawQuery,
		Headers: headers(r, source, call.TraceID), Cookies: cookies(r), Query: query(r.URL.RawQuery),
		RequestContext: requestContext{
			AccountID: anonymous, APIID: u.ID, DomainName: domain(u.ID, f.Region), DomainPrefix: u.ID,
			HTTP:      request{r.Method, path, r.Proto, source, r.UserAgent()},
			RequestID: call.RequestID, RouteKey: defaultRoute, Stage: defaultRoute,
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
	}
	if u.AuthType == types.FunctionUrlAuthTypeAwsIam {
		account := caller.Account
		e.RequestContext.AccountID = account
		e.RequestContext.Authorizer = &authorizer{identity{
			AccessKey: caller.AccessKeyID, AccountID: account, CallerID: account, UserID: account,
			UserARN: caller.Principal,
		}}
	}
	body, err := wire.ReadBody(r, maxEvent, "InvokeFunction")
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		text := string(body)
		if !isText(r.Header.Get("Content-Type"), body) {
			text, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
		e.Body = &text
	}
	encoded, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode the event of a function URL: %w", err)
	}
	if len(encoded) > maxEvent {
		return nil, &wire.Error{
			Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxEvent),
		}
	}
	return encoded, nil
}

// headers joins those of a name with commas; cookies have a place of their own.
func headers(r *http.Request, source, trace string) map[string]string {
	joined := make(map[string]string, len(r.Header)+5)
	for name, values := range r.Header {
		joined[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(joined, "cookie")
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	joined["host"] = r.Host
	joined["x-amzn-trace-id"] = trace
	joined["x-forwarded-for"] = source
	joined["x-forwarded-port"] = port
	joined["x-forwarded-proto"] = "http"
	return joined
}

func cookies(r *http.Request) (all []string) {
	for _, line := range r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				all = append(all, cookie)
			}
		}
	}
	return all
}

// query joins the values of a parameter with commas. A pair that cannot be decoded
// is only in the raw string.
func query(raw string) map[string]string {
	values, _ := url.ParseQuery(raw)
	joined := make(map[string]string, len(values))
	for name, all := range values {
		joined[name] = strings.Join(all, ",")
	}
	return joined
}

// isText tells whether a body goes into the event as it is.
func isText(contentType string, body []byte) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	for _, text := range []string{"text/", "json", "xml", "javascript"} {
		if strings.Contains(kind, text) {
			return utf8.Valid(body)
		}
	}
	return false
}

// traceOf returns the X-Ray header of a request, or begins a trace.
func traceOf(r *http.Request) string {
	if trace := r.Header.Get("X-Amzn-Trace-Id"); trace != "" {
		return trace
	}
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	return fmt.Sprintf("Root=1-%08x-%s", time.Now().Unix(), id[:24])
}
