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
	if wanted := int(value(maxItems)); wanted > 0 {
		limit = min(limit, wanted)
	}
	if value(marker) != "" {
		raw, err := base64.StdEncoding.DecodeString(*marker)
		after, ok := strings.CutPrefix(string(raw), markerPrefix)
		if err != nil || !ok {
			return nil, nil, catalog.Invalid("Invalid Marker: %s. Use the NextMarker of the page before.", *marker)
		}
		start := 0
		for start < len(items) && key(items[start]) <= after {
			start++
		}
		items = items[start:]
	}
	if len(items) <= limit {
		return items, nil, nil
	}
	items = items[:limit]
	next := base64.StdEncoding.EncodeToString([]byte(markerPrefix + key(items[limit-1])))
	return items, &next, nil
}
