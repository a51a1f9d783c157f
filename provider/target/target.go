// Package target connects the provider to what its resources live in: AWS, or
// the engine on this machine, which answers as AWS does. Resources see a
// [Connection] and cannot tell the two apart.
package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Connection is a configured target. It is safe for concurrent use.
type Connection struct {
	Region      string            // of resources that name none
	DefaultTags map[string]string // of every resource that takes tags
	IgnoreTags  IgnoreTags
	PollMax     time.Duration // longest pause between two looks at a state

	config  aws.Config
	options []func(*lambda.Options)
	unknown bool
	local   bool // the engine, not AWS

	mu      sync.Mutex
	clients map[string]*lambda.Client
	locks   map[string]chan struct{}
}

// IgnoreTags are tags that others manage.
type IgnoreTags struct {
	Keys        []string
	KeyPrefixes []string
}

// Ignored reports whether the tag is left to others. AWS's own always are.
func (i IgnoreTags) Ignored(key string) bool {
	if strings.HasPrefix(key, "aws:") {
		return true
	}
	for _, k := range i.Keys {
		if k == key {
			return true
		}
	}
	for _, p := range i.KeyPrefixes {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

// New returns a connection that uses cfg for every call.
func New(cfg aws.Config, options ...func(*lambda.Options)) *Connection {
	return &Connection{
		Region: cfg.Region, PollMax: 3 * time.Second,
		config: cfg, options: options,
		clients: map[string]*lambda.Client{}, locks: map[string]chan struct{}{},
	}
}

// Unknown returns a connection for a provider whose configuration is not known
// before other resources are applied. Every use of it is an error.
func Unknown() *Connection { return &Connection{unknown: true} }

// Known reports whether the connection can be used.
func (c *Connection) Known() bool { return !c.unknown }

// Local reports whether the target is the engine, for what exists only there.
func (c *Connection) Local() bool { return c.local }

// ErrUnknown is the error of every use of a connection that is not known yet.
var ErrUnknown = errors.New("the provider's configuration depends on values that are known only after apply; apply the resources it depends on first (terraform apply -target=…), or give the provider values that are known")

// Lambda returns the client for a region; "" is the connection's own.
func (c *Connection) Lambda(region string) (*lambda.Client, error) {
	if c.unknown {
		return nil, ErrUnknown
	}
	if region == "" {
		region = c.Region
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := c.clients[region]
	if !ok {
		options := append([]func(*lambda.Options){func(o *lambda.Options) { o.Region = region }}, c.options...)
		client = lambda.NewFromConfig(c.config, options...)
		c.clients[region] = client
	}
	return client, nil
}

// Lock makes calls that Lambda does not take in parallel follow one another,
// such as two changes to the policy of one function.
func (c *Connection) Lock(ctx context.Context, key string) (unlock func(), err error) {
	c.mu.Lock()
	lock, ok := c.locks[key]
	if !ok {
		lock = make(chan struct{}, 1)
		c.locks[key] = lock
	}
	c.mu.Unlock()
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for another change to %s: %w", key, ctx.Err())
	}
}

// AllTags returns the tags that a resource with the given ones has.
func (c *Connection) AllTags(tags map[string]string) map[string]string {
	all := maps.Clone(c.DefaultTags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return all
}
