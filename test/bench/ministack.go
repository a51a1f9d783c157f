package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

func noMinistack(o options) string {
	return installed(o, "ministack/bin/ministack", "PyPI package ministack")
}

// startMinistack runs ministack as its package does without more: functions are processes.
func startMinistack(ctx context.Context, o options, p pkg) (*service, error) {
	dir, err := os.MkdirTemp(p.dir, "ministack-")
	if err != nil {
		return nil, err
	}
	s, err := server(ctx, dir, "4593", []string{"GATEWAY_PORT=4593", "BIND_HOST=127.0.0.1", "S3_DATA_DIR=" + dir, "TMPDIR=" + dir},
		filepath.Join(o.cache, "ministack/bin/ministack"))
	if err != nil {
		return nil, err
	}
	url := "http://127.0.0.1:4593"
	client := newClientOf(url)
	err = create(ctx, client, "echo", role, p)
	if err == nil {
		err = waitActive(ctx, client, "echo")
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("create the function: %w", err)
	}
	s.url = url + "/2015-03-31/functions/echo/invocations"
	return s, nil
}
