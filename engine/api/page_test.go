package api

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Following the markers gives every item once, whatever the size of the pages.
func TestPage(t *testing.T) {
	var items []string
	for i := range 25 {
		items = append(items, fmt.Sprintf("%02d", i))
	}
	same := func(s string) string { return s }
	for _, size := range []int32{1, 2, 7, 10, 24, 25, 26, 10000} {
		var all []string
		var marker *string
		for {
			got, next, err := page(items, same, marker, &size, 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 10 || len(got) > int(size) {
				t.Fatalf("a page of %d for %d", len(got), size)
			}
			all = append(all, got...)
			if marker = next; marker == nil {
				break
			}
		}
		if !slices.Equal(all, items) {
			t.Errorf("pages of %d give %v", size, all)
		}
	}
	two := int32(2)
	_, next, _ := page(items, same, nil, &two, 10)
	rest := slices.Delete(slices.Clone(items), 0, 2) // what the first page had is gone
	if got, _, err := page(rest, same, next, &two, 10); err != nil || !slices.Equal(got, []string{"02", "03"}) {
		t.Errorf("after a deletion: %v, %v", got, err)
	}
	for _, marker := range []string{"garbage", "Z2FyYmFnZQ==", "02"} {
		var invalid *types.InvalidParameterValueException
		if _, _, err := page(items, same, &marker, nil, 10); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", marker, err)
		}
	}
}

// An item whose key is empty is on the first page.
func TestPageOfEmptyKey(t *testing.T) {
	items, next, err := page([]string{"", "a"}, itself, nil, nil, 1)
	if err != nil || len(items) != 1 || next == nil {
		t.Fatalf("%v, %v, %v", items, next, err)
	}
	items, next, err = page([]string{"", "a"}, itself, next, nil, 1)
	if err != nil || len(items) != 1 || items[0] != "a" || next != nil {
		t.Errorf("%v, %v, %v", items, next, err)
	}
}
