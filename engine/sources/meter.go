package sources

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
)

// meter counts what becomes of a mapping's records, for mappings whose MetricsConfig
// asks for EventCount. The nil meter counts nothing.
type meter struct{ emitter *metrics.Emitter }

// The metrics of a mapping, in the order of their numbers.
const (
	polledEvents = iota
	filteredEvents
	invokedEvents
	failedEvents
	droppedEvents
	deliveredEvents
	deletedEvents
)

var meterKinds = []metrics.Kind{
	polledEvents:    {Name: "PolledEventCount", Unit: "Count"},
	filteredEvents:  {Name: "FilteredOutEventCount", Unit: "Count"},
	invokedEvents:   {Name: "InvokedEventCount", Unit: "Count"},
	failedEvents:    {Name: "FailedInvokeEventCount", Unit: "Count"},
	droppedEvents:   {Name: "DroppedEventCount", Unit: "Count"},
	deliveredEvents: {Name: "OnFailureDestinationDeliveredEventCount", Unit: "Count"},
	deletedEvents:   {Name: "DeletedEventCount", Unit: "Count"},
}

func newMeter(store *metrics.Store, mapping *catalog.Mapping) *meter {
	config := mapping.Config.MetricsConfig
	if store == nil || config == nil || !slices.Contains(config.Metrics, types.EventSourceMappingMetricEventCount) {
		return nil
	}
	return &meter{store.Emitter(mapping.Scope, meterKinds, []metrics.Dimension{{Name: "EventSourceMappingUUID", Value: *mapping.Config.UUID}})}
}

func (m *meter) count(kind, n int) {
	if m == nil || n == 0 {
		return
	}
	values := slices.Repeat([]float64{metrics.None}, len(meterKinds))
	values[kind] = float64(n)
	m.emitter.Emit(time.Now(), values...)
}

func (m *meter) polled(n int)    { m.count(polledEvents, n) }
func (m *meter) filtered(n int)  { m.count(filteredEvents, n) }
func (m *meter) invoked(n int)   { m.count(invokedEvents, n) }
func (m *meter) failed(n int)    { m.count(failedEvents, n) }
func (m *meter) dropped(n int)   { m.count(droppedEvents, n) }
func (m *meter) delivered(n int) { m.count(deliveredEvents, n) }
func (m *meter) deleted(n int)   { m.count(deletedEvents, n) }
