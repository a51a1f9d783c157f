package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"time"
)

// counted is what the function has written down of one call.
type counted struct {
	at      time.Time
	records int
	took    time.Duration
}

func readCounts(file string) (all []counted, err error) {
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c counted
		var at, took int64
		if _, err := fmt.Sscan(lines.Text(), &at, &c.records, &took); err != nil {
			return nil, err
		}
		c.at, c.took = time.Unix(0, at), time.Duration(took)
		all = append(all, c)
	}
	return all, nil
}

// catchUp waits until everything is handled, and returns how many records a second were:
// between the first call's end and the last's.
func (b *sourceBench) catchUp(file string, want int) (perSecond float64, err error) {
	for deadline := time.Now().Add(b.patiently); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		calls, err := readCounts(file)
		if err != nil {
			return 0, err
		}
		n := 0
		for _, c := range calls {
			n += c.records
		}
		if n < want {
			continue
		}
		slices.SortFunc(calls, func(a, b counted) int { return a.at.Compare(b.at) })
		return float64(n-calls[0].records) / calls[len(calls)-1].at.Sub(calls[0].at).Seconds(), nil
	}
	return 0, fmt.Errorf("%s: not everything was handled in time", file)
}

// singles tells how long a record takes from its put to the function, when it comes alone.
func (b *sourceBench) singles(file string, put func(i int) error) error {
	before, err := readCounts(file)
	if err != nil {
		return err
	}
	for i := range singleRecords {
		if err := put(i); err != nil {
			return err
		}
		time.Sleep(37 * time.Millisecond)
	}
	time.Sleep(time.Second)
	calls, err := readCounts(file)
	if err != nil {
		return err
	}
	var took []time.Duration
	for _, c := range calls[len(before):] {
		took = append(took, c.took)
	}
	slices.Sort(took)
	if len(took) == 0 {
		return fmt.Errorf("%s: nothing was handled", file)
	}
	fmt.Printf("  alone, from the put to the function: p50 %s, p99 %s of %d calls\n", ms(took[len(took)/2]), ms(took[len(took)*99/100]), len(took))
	return nil
}
