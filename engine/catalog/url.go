package catalog

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// URL is the HTTP address of a function or of one of its aliases (spec api §E.7).
type URL struct {
	ID         string // first label of the host name; never given out twice
	Qualifier  string // alias, or empty
	AuthType   types.FunctionUrlAuthType
	InvokeMode types.InvokeMode `json:",omitempty"` // empty when none was given, which means BUFFERED
	Cors       *types.Cors      `json:",omitempty"`
	Created    string
	Modified   string
}

// Streams tells whether responses go out as they are written.
func (u URL) Streams() bool { return u.InvokeMode == types.InvokeModeResponseStream }

// errNoURL is AWS's word for a URL, its function or its alias that is not there.
func errNoURL() error { return NotFound("The resource you requested does not exist.") }

// URL returns the URL of the alias that qualifier names, or of the function.
func (f *Function) URL(qualifier string) (URL, error) {
	u, ok := f.URLs[qualifier]
	if !ok {
		return URL{}, errNoURL()
	}
	return u, nil
}

// SortedURLs returns the URLs of f: its own, then those of its aliases by name.
func (f *Function) SortedURLs() []URL {
	var urls []URL
	for _, qualifier := range slices.Sorted(maps.Keys(f.URLs)) {
		urls = append(urls, f.URLs[qualifier])
	}
	return urls
}

// CreateURL gives u an id and adds it to f.
func (f *Function) CreateURL(u URL, now time.Time) (URL, error) {
	if _, taken := f.URLs[u.Qualifier]; taken {
		return URL{}, Conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", f.Ref().With(u.Qualifier).ARN())
	}
	if err := f.checkURLQualifier(u.Qualifier); err != nil {
		return URL{}, err
	}
	u.ID = strings.ToLower(rand.Text() + rand.Text())[:32]
	u.Created = stamp(now)
	return f.setURL(u, now), nil
}

// UpdateURL changes the URL of the alias that qualifier names, or of the function.
func (f *Function) UpdateURL(qualifier string, now time.Time, change func(*URL)) (URL, error) {
	if err := f.checkURLQualifier(qualifier); err != nil {
		return URL{}, err
	}
	u, err := f.URL(qualifier)
	if err != nil {
		return URL{}, err
	}
	change(&u)
	return f.setURL(u, now), nil
}

// RemoveURL drops the URL of the alias that qualifier names, or of the function.
func (f *Function) RemoveURL(qualifier string) error {
	if _, err := f.URL(qualifier); err != nil {
		return err
	}
	delete(f.URLs, qualifier)
	return nil
}

func (f *Function) checkURLQualifier(qualifier string) error {
	if _, ok := f.Aliases[qualifier]; !ok && qualifier != "" {
		return NotFound("Function does not exist")
	}
	return nil
}

func (f *Function) setURL(u URL, now time.Time) URL {
	if u.Cors != nil && noCors(*u.Cors) {
		u.Cors = nil
	}
	u.Modified = stamp(now)
	if f.URLs == nil {
		f.URLs = map[string]URL{}
	}
	f.URLs[u.Qualifier] = u
	return u
}

// noCors tells whether c is empty, which is how clients take the settings away.
func noCors(c types.Cors) bool {
	return c.AllowCredentials == nil && c.MaxAge == nil && len(c.AllowHeaders) == 0 &&
		len(c.AllowMethods) == 0 && len(c.AllowOrigins) == 0 && len(c.ExposeHeaders) == 0
}

// stamp formats the times of a URL.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// FindURL returns the URL with an id, and its function.
func (c *Catalog) FindURL(id string) (Function, URL, bool) {
	if key, ok := c.urls.Load(id); ok {
		if f, ok := c.functions.Get(key.(string)); ok {
			if u, ok := f.urlOf(id); ok {
				return f, u, true
			}
		}
		c.urls.Delete(id)
	}
	for _, f := range c.functions.All() {
		if u, ok := f.urlOf(id); ok {
			c.urls.Store(id, f.Ref().key())
			return f, u, true
		}
	}
	return Function{}, URL{}, false
}

func (f *Function) urlOf(id string) (URL, bool) {
	for _, u := range f.URLs {
		if u.ID == id {
			return u, true
		}
	}
	return URL{}, false
}
