package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// figures are what a load came to.
type figures struct {
	p50, p99  time.Duration
	perSecond float64
}

const event = `{"hello":"world"}`

// load calls url from so many clients for a while. Each has a connection of its own.
func load(ctx context.Context, url string, clients int, duration time.Duration) (*figures, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 50 { // warm up, all environments too
		if err := burst(ctx, client, url, clients); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var running sync.WaitGroup
	begin := time.Now()
	for range clients {
		running.Go(func() {
			var own []time.Duration
			for time.Since(begin) < duration {
				start := time.Now()
				if err := call(ctx, client, url); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				own = append(own, time.Since(start))
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	running.Wait()
	elapsed := time.Since(begin)
	if failed != nil {
		return nil, failed
	}
	slices.Sort(all)
	return &figures{p50: all[len(all)/2], p99: all[len(all)*99/100], perSecond: float64(len(all)) / elapsed.Seconds()}, nil
}

func burst(ctx context.Context, client *http.Client, url string, clients int) error {
	errs := make(chan error, clients)
	for range clients {
		go func() { errs <- call(ctx, client, url) }()
	}
	var failed error
	for range clients {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
}

func call(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(event))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Amz-Function-Error") != "" {
		return fmt.Errorf("%s answers %s: %s", url, response.Status, body)
	}
	return nil
}
