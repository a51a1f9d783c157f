package main

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
)

const (
	dockerEngine  = "this engine, docker"
	processEngine = "this engine, process"
	sameClient    = "this engine, process, AWS's client"
)

// function is an echo function on an engine.
type function struct {
	engine *running
	name   string // also name-cold, for cold starts
	pkg    pkg
	row    *row
}

// bench is a measurement under way.
type bench struct {
	options   options
	packages  []pkg
	functions []*function
	rows      []*row
	missing   []absence
	gone      map[string]bool // peers that did not work in an earlier round
	busy      []float64       // by others, before each round
	load      float64         // the load average at the beginning
}

// deploy creates the functions on an engine.
func (b *bench) deploy(ctx context.Context, e *running, name string, packages []pkg) error {
	for _, p := range packages {
		f := &function{engine: e, name: p.name, pkg: p, row: &row{name: name, language: p.language}}
		if name == sameClient {
			f.name += "-client"
		}
		for _, created := range []string{f.name, f.name + "-cold"} {
			if err := create(ctx, e.client, created, role, p); err != nil {
				if p.language == "Java" { // it may be newer than the engine
					b.missing = append(b.missing, absence{name + ", Java", messageOf(err)})
					f = nil
					break
				}
				return err
			}
		}
		if f != nil {
			b.functions = append(b.functions, f)
			b.rows = append(b.rows, f.row)
		}
	}
	return nil
}

// round measures everything once.
func (b *bench) round(ctx context.Context) error {
	b.busy = append(b.busy, busy())
	for _, f := range b.functions {
		if err := b.measureFunction(ctx, f); err != nil {
			return fmt.Errorf("%s, %s: %w", f.row.name, f.row.language, err)
		}
	}
	if b.options.docker {
		if err := b.measureBare(ctx); err != nil {
			return err
		}
	}
	for _, p := range peers() {
		key := p.name + ", " + p.language
		if b.gone[key] {
			continue
		}
		why := p.missing(b.options)
		if why == "" {
			if err := b.measurePeer(ctx, p); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				why = err.Error()
			}
		}
		if why != "" {
			b.gone[key] = true
			b.missing = append(b.missing, absence{key, why})
			log.Printf("%s: %s", key, why)
		}
	}
	return nil
}

func (b *bench) measureFunction(ctx context.Context, f *function) error {
	for range 2 {
		cold, err := f.engine.coldStart(ctx, f.name+"-cold")
		if err != nil {
			return err
		}
		f.row.cold = append(f.row.cold, cold)
	}
	url := f.engine.invocations(f.name)
	if err := f.row.oneClient(ctx, url, b.options); err != nil {
		return err
	}
	l, err := newLoad(url, 8, false)
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.settle(ctx, b.options.warmUp); err != nil {
		return err
	}
	cast, err := f.engine.takePart(ctx)
	if err != nil {
		return err
	}
	before := cast.spent()
	eight, err := l.run(ctx, b.options.duration)
	if err != nil {
		return err
	}
	f.row.spent = append(f.row.spent, cast.spent().minus(before).by(eight.calls))
	f.row.eight = append(f.row.eight, eight.perSecond)
	return nil
}

func (r *row) oneClient(ctx context.Context, url string, o options) error {
	l, err := newLoad(url, 1, false)
	if err != nil {
		return err
	}
	defer l.close()
	if _, err := l.run(ctx, o.warmUp); err != nil {
		return err
	}
	one, err := l.run(ctx, o.duration)
	if err != nil {
		return err
	}
	r.p50, r.p99, r.one = append(r.p50, one.p50), append(r.p99, one.p99), append(r.one, one.perSecond)
	return nil
}

func (b *bench) measurePeer(ctx context.Context, p peer) error {
	r := b.peerRow(p)
	var of pkg
	for _, candidate := range b.packages {
		if candidate.language == p.language {
			of = candidate
		}
	}
	s, err := p.start(ctx, b.options, of)
	if err != nil {
		return err
	}
	defer s.stop()
	if s.cold == 0 {
		if s.cold, err = callOnce(s.url); err != nil {
			return fmt.Errorf("first call: %w", err)
		}
	}
	r.cold = append(r.cold, s.cold)
	if err := r.oneClient(ctx, s.url, b.options); err != nil {
		return err
	}
	eight, err := b.eightClients(ctx, s.url, p.serial)
	if err != nil && !p.serial {
		r.note = "eight at a time fail (" + err.Error() + "): one after the other"
		eight, err = b.eightClients(ctx, s.url, true)
	}
	if err != nil {
		return fmt.Errorf("eight clients: %w", err)
	}
	r.eight = append(r.eight, eight.perSecond)
	return nil
}

func (b *bench) eightClients(ctx context.Context, url string, serial bool) (*figures, error) {
	l, err := newLoad(url, 8, serial)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.settle(ctx, b.options.warmUp); err != nil {
		return nil, err
	}
	return l.run(ctx, b.options.duration)
}

// peerRow is the row of a peer, made when it is measured first.
func (b *bench) peerRow(p peer) *row {
	for _, r := range b.rows {
		if r.name == p.name && r.language == p.language {
			return r
		}
	}
	r := &row{name: p.name, language: p.language}
	if p.serial {
		r.note = "takes one call at a time: eight clients call one after the other"
	}
	b.rows = append(b.rows, r)
	return r
}

// measureBare adds to the rows of the docker driver what the runtimes take by themselves.
func (b *bench) measureBare(ctx context.Context) error {
	for _, p := range b.packages {
		r := find(b.rows, dockerEngine, p.language)
		if len(r.cold) == 0 {
			continue
		}
		for range 2 { // as often, and as seldom, as cold starts: a second start in a container is warmer
			took, err := bareStarts(ctx, b.options, p, 1)
			if err != nil {
				return fmt.Errorf("bare runtime of %s: %w", p.language, err)
			}
			r.bare = append(r.bare, took...)
		}
	}
	return nil
}

// engines starts one engine for each driver and deploys the functions to it.
func (b *bench) engines(ctx context.Context) (stop func(), err error) {
	var all []*running
	stop = func() {
		for _, e := range all {
			e.stop()
		}
	}
	start := func(driver, port, config string) (*running, error) {
		e, err := startEngine(ctx, launch{binary: b.options.binary, driver: driver, dir: filepath.Join(b.options.work, driver), port: port, config: config})
		if err == nil {
			all = append(all, e)
		}
		return e, err
	}
	if b.options.docker {
		e, err := start("docker", "4599", "")
		if err != nil {
			return stop, err
		}
		if err := b.deploy(ctx, e, dockerEngine, b.packages); err != nil {
			return stop, err
		}
	}
	// One runtime of the process driver boots with AWS's client, as the image does.
	const other = "python3.12"
	client := filepath.Join(b.options.cache, "client/bin/python")
	why := installed(b.options, "client/bin/python", "PyPI package awslambdaric")
	config := ""
	if why == "" {
		config = fmt.Sprintf("runtime %q {\n  command = [%q, \"-m\", \"awslambdaric\"]\n}\n", other, client)
	}
	e, err := start("process", "4589", config)
	if err != nil {
		return stop, err
	}
	if err := b.deploy(ctx, e, processEngine, b.packages); err != nil {
		return stop, err
	}
	if why != "" {
		b.missing = append(b.missing, absence{sameClient + ", Python", why})
		return stop, nil
	}
	p := b.packages[1]
	p.runtime = other
	return stop, b.deploy(ctx, e, sameClient, []pkg{p})
}
