package api

import (
	"encoding/base64"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// markerPrefix lets a marker of ours be told from garbage.
const markerPrefix = "after:"

// page cuts one page out of items, which are in the order of the keys. A marker
// names the last key of the page before, so that items which come and go between
// two calls do not shift the rest.
func page[T any](items []T, key func(T) string, marker *string, maxItems *int32, limit int) ([]T, *string, error) {
	after, err := readMarker(marker)
	if err != nil {
		return nil, nil, err
	}
	for value(marker) != "" && len(items) > 0 && key(items[0]) <= after {
		items = items[1:]
	}
	items, next := cut(items, key, pageSize(maxItems, limit))
	return items, next, nil
}

// readMarker returns the key that a marker names; no key for no marker.
func readMarker(marker *string) (string, error) {
	if value(marker) == "" {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(*marker)
	after, ok := strings.CutPrefix(string(raw), markerPrefix)
	if err != nil || !ok {
		return "", catalog.Invalid("Invalid Marker: %s. Use the NextMarker of the page before.", *marker)
	}
	return after, nil
}

// pageSize is how many items a page has: what was asked for, or limit if that is less.
func pageSize(maxItems *int32, limit int) int {
	if wanted := int(value(maxItems)); wanted > 0 {
		return min(limit, wanted)
	}
	return limit
}

// cut keeps the first items, and makes the marker for those that follow, if any.
func cut[T any](items []T, key func(T) string, limit int) ([]T, *string) {
	if len(items) <= limit {
		return items, nil
	}
	items = items[:limit]
	next := base64.StdEncoding.EncodeToString([]byte(markerPrefix + key(items[limit-1])))
	return items, &next
}

// itself is the key of items that are their own.
func itself(s string) string { return s }
