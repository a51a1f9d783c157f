package metrics

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A block is what is stored of a group of series for one hour: each series with its
// points. Numbers are variable in length, since most are small.

const blockVersion = 1

const (
	flagConstant = 1 << iota // all values are the same: Min stands for Max too
	flagBins
	flagOpaque
)

type encoder struct{ b []byte }

func (e *encoder) uint(n uint64)   { e.b = binary.AppendUvarint(e.b, n) }
func (e *encoder) int(n int64)     { e.b = binary.AppendVarint(e.b, n) }
func (e *encoder) text(s string)   { e.uint(uint64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) float(f float64) { e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(f)) }

// count writes a number that is whole, but for custom metrics.
func (e *encoder) count(f float64) {
	if n := uint64(f); f >= 0 && f < 1<<52 && float64(n) == f {
		e.uint(n << 1)
		return
	}
	e.uint(1)
	e.float(f)
}

func (e *encoder) series(s *series, points []Point, hour int64) {
	e.text(s.id.Namespace)
	e.text(s.id.Name)
	e.text(s.id.Unit)
	e.uint(uint64(len(s.id.Dimensions)))
	for _, d := range s.id.Dimensions {
		e.text(d.Name)
		e.text(d.Value)
	}
	e.uint(uint64(len(points)))
	for i := range points {
		e.point(&points[i], hour)
	}
}

func (e *encoder) point(p *Point, hour int64) {
	flags := byte(0)
	if p.Min == p.Max {
		flags |= flagConstant
	}
	if p.bins != nil {
		flags |= flagBins
	}
	if p.opaque {
		flags |= flagOpaque
	}
	e.b = append(e.b, byte(p.Minute-hour*60), flags)
	e.count(p.Count)
	e.float(p.Sum)
	e.float(p.Min)
	if p.Min != p.Max {
		e.float(p.Max)
	}
	if p.bins == nil {
		return
	}
	e.uint(uint64(len(p.bins)))
	before := int32(0)
	for _, b := range p.bins {
		e.int(int64(b.key) - int64(before))
		e.count(b.count)
		before = b.key
	}
}

var errTruncated = errors.New("block ends too early")

// decoder reads what encoder has written. After an error it reads zeros.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	d.b = nil
	if d.err == nil {
		d.err = errTruncated
	}
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

// length reads how many of something follow, each of a byte at least.
func (d *decoder) length() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) text() string { return string(d.bytes(d.uint())) }

func (d *decoder) float() float64 {
	b := d.bytes(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (d *decoder) count() float64 {
	if n := d.uint(); n&1 == 0 {
		return float64(n >> 1)
	}
	return d.float()
}

func (d *decoder) series(hour int64) series {
	s := series{id: ID{Namespace: d.text(), Name: d.text(), Unit: d.text()}}
	for range d.length() {
		s.id.Dimensions = append(s.id.Dimensions, Dimension{d.text(), d.text()})
	}
	n := d.length()
	s.points = make([]Point, 0, n)
	for range n {
		s.points = append(s.points, d.point(hour))
	}
	if n > 0 {
		s.last = s.points[n-1].Minute
	}
	return s
}

func (d *decoder) point(hour int64) Point {
	head := d.bytes(2)
	if head == nil {
		return Point{}
	}
	flags := head[1]
	p := Point{Minute: hour*60 + int64(head[0])}
	p.Count, p.Sum, p.Min = d.count(), d.float(), d.float()
	p.Max, p.opaque = p.Min, flags&flagOpaque != 0
	if flags&flagConstant == 0 {
		p.Max = d.float()
	}
	if flags&flagBins == 0 {
		return p
	}
	key := int64(0)
	for range d.length() {
		key += d.int()
		p.bins = append(p.bins, bin{int32(key), d.count()})
	}
	return p
}

// encodeBlock makes the block of an hour, nil when the series have no points in it.
func encodeBlock(all map[string]*series, hour int64) []byte {
	e := encoder{b: []byte{blockVersion}}
	empty := true
	for _, s := range all {
		if points := s.within(hour*60, (hour+1)*60); len(points) > 0 {
			e.series(s, points, hour)
			empty = false
		}
	}
	if empty {
		return nil
	}
	return e.b
}

func decodeBlock(b []byte, hour int64) ([]series, error) {
	if len(b) == 0 || b[0] != blockVersion {
		return nil, errors.New("unknown kind of block")
	}
	d := decoder{b: b[1:]}
	var all []series
	for len(d.b) > 0 {
		all = append(all, d.series(hour))
	}
	if d.err != nil {
		return nil, fmt.Errorf("read block of metrics: %w", d.err)
	}
	return all, nil
}
