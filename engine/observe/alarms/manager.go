// Package alarms watches metrics: it keeps the alarms that there are, moves each to the
// state that its metric puts it in, and tells functions and topics of it.
//
//	evaluate.go  the state that a metric puts an alarm in
//	notice.go    what is told of a change, in AWS's shapes
//	manager.go   alarms that are kept, looked at every few seconds, and their changes
//	history.go   what has become of them
//
// A change is written together with what it has to tell; that is taken off again when
// it has been told. So a crash loses nothing, and at worst tells something twice.
package alarms

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Interval is how often alarms are looked at.
const Interval = 5 * time.Second

// Alarm is an alarm as it is kept.
type Alarm struct {
	Scope   catalog.Scope
	Alarm   types.MetricAlarm
	Tags    map[string]string `json:",omitempty"`
	Pending []Notice          `json:",omitempty"` // that have not been told yet
}

// ErrMissing says that there is no alarm of that name.
var ErrMissing = errors.New("no such alarm")

// Options says what a Manager works with.
type Options struct {
	Store   *store.Store
	Metrics *metrics.Store
	// Notify tells a target. What it fails at is not tried again, as on AWS.
	Notify func(context.Context, Notice) error
	Now    func() time.Time
	Log    *slog.Logger
}

// Manager keeps alarms. It must be closed.
type Manager struct {
	Options
	alarms  *store.Table[Alarm]
	history *store.Table[history]
	stop    context.CancelFunc
	done    chan struct{}
}

// Open opens the alarms that there are. They are watched from Start on.
func Open(ctx context.Context, o Options) (*Manager, error) {
	alarms, err := store.OpenTable[Alarm](ctx, o.Store, "alarms", nil)
	if err != nil {
		return nil, fmt.Errorf("open alarms: %w", err)
	}
	past, err := store.OpenTable[history](ctx, o.Store, "alarm_history", nil)
	if err != nil {
		alarms.Close()
		return nil, fmt.Errorf("open the history of alarms: %w", err)
	}
	return &Manager{Options: o, alarms: alarms, history: past, stop: func() {}}, nil
}

// Start watches until Close.
func (m *Manager) Start() {
	ctx, stop := context.WithCancel(context.Background())
	m.stop, m.done = stop, make(chan struct{})
	go func() {
		defer close(m.done)
		tick := time.NewTicker(Interval)
		defer tick.Stop()
		m.resume(ctx)
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				m.Evaluate(ctx)
			}
		}
	}()
}

// Close ends watching.
func (m *Manager) Close() {
	m.stop()
	if m.done != nil {
		<-m.done
	}
	m.alarms.Close()
	m.history.Close()
}

// key is where an alarm is kept. Names may hold anything.
func key(scope catalog.Scope, name string) string {
	return scope.Account + "." + scope.Region + "." + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// resume tells what an earlier engine has not come to tell.
func (m *Manager) resume(ctx context.Context) {
	for _, key := range m.alarms.Keys() {
		if a, ok := m.alarms.Get(key); ok {
			m.tell(ctx, key, a.Pending)
		}
	}
}

// Evaluate looks at every alarm once.
func (m *Manager) Evaluate(ctx context.Context) {
	for _, key := range m.alarms.Keys() {
		a, ok := m.alarms.Get(key)
		if !ok || ctx.Err() != nil {
			continue
		}
		v, err := evaluate(ctx, m.Metrics, a.Scope, &a.Alarm, m.Now())
		if err != nil {
			m.Log.Warn("evaluate alarm", "alarm", aws.ToString(a.Alarm.AlarmArn), "err", err)
			continue
		}
		if v.state == "" || v.state == a.Alarm.StateValue {
			continue
		}
		if err := m.change(ctx, key, v); err != nil && ctx.Err() == nil {
			m.Log.Error("change the state of an alarm", "alarm", aws.ToString(a.Alarm.AlarmArn), "err", err)
		}
	}
}

// errUnchanged ends an update that has nothing to do.
var errUnchanged = errors.New("unchanged")

// change puts an alarm into a state, and tells whoever it concerns.
func (m *Manager) change(ctx context.Context, key string, v verdict) error {
	var before past
	var told []Notice
	changed, err := m.alarms.Update(ctx, key, func(doc *Alarm, exists bool) (err error) {
		a := &doc.Alarm
		if !exists {
			return ErrMissing
		}
		if a.StateValue == v.state {
			return errUnchanged
		}
		now := m.Now().UTC()
		before = past{a.StateValue, aws.ToString(a.StateReason), aws.ToString(a.StateReasonData), stamp(aws.ToTime(a.StateUpdatedTimestamp))}
		a.StateValue, a.StateReason, a.StateReasonData = v.state, &v.reason, nil
		if v.data != "" {
			a.StateReasonData = &v.data
		}
		a.StateUpdatedTimestamp, a.StateTransitionedTimestamp = &now, &now
		if told, err = notices(doc.Scope, a, before); err == nil {
			doc.Pending = append(doc.Pending, told...)
		}
		return err
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return err
	}
	m.note(ctx, changed, types.HistoryItemTypeStateUpdate, fmt.Sprintf("Alarm updated from %s to %s", before.state, v.state), stateChange(before, v))
	m.tell(ctx, key, told)
	return nil
}

// tell tells notices, and takes them off the alarm.
func (m *Manager) tell(ctx context.Context, key string, notices []Notice) {
	for _, n := range notices {
		err := m.Notify(ctx, n)
		if ctx.Err() != nil {
			return // for the next engine
		}
		doc, updated := m.alarms.Update(ctx, key, func(doc *Alarm, exists bool) error {
			if !exists {
				return ErrMissing
			}
			doc.Pending = slices.DeleteFunc(doc.Pending, func(p Notice) bool { return p.ID == n.ID })
			return nil
		})
		if updated != nil {
			m.Log.Error("note what an alarm has told", "alarm", n.Alarm, "err", updated)
			continue
		}
		summary := "Successfully executed action " + n.Target
		if err != nil {
			summary = fmt.Sprintf("Failed to execute action %s. Received error: %q", n.Target, err)
			m.Log.Warn("an alarm could not tell its target", "alarm", n.Alarm, "target", n.Target, "err", err)
		}
		m.note(ctx, doc, types.HistoryItemTypeAction, summary, action(n, err))
	}
}

// Put creates an alarm, or changes its configuration, which leaves its state as it is.
// The alarm's name, configuration and tags are those of a; tags count for new ones only.
func (m *Manager) Put(ctx context.Context, a Alarm) error {
	name, now := aws.ToString(a.Alarm.AlarmName), m.Now().UTC()
	created := false
	doc, err := m.alarms.Update(ctx, key(a.Scope, name), func(doc *Alarm, exists bool) error {
		old := *doc
		*doc = a
		doc.Alarm.AlarmArn = aws.String("arn:aws:cloudwatch:" + a.Scope.Region + ":" + a.Scope.Account + ":alarm:" + name)
		doc.Alarm.AlarmConfigurationUpdatedTimestamp = &now
		if created = !exists; created {
			doc.Alarm.StateValue, doc.Alarm.StateReason = types.StateValueInsufficientData, aws.String("Unchecked: Initial alarm creation")
			doc.Alarm.StateUpdatedTimestamp, doc.Alarm.StateTransitionedTimestamp = &now, &now
			return nil
		}
		doc.Tags, doc.Pending = old.Tags, old.Pending
		o := &old.Alarm
		doc.Alarm.StateValue, doc.Alarm.StateReason, doc.Alarm.StateReasonData = o.StateValue, o.StateReason, o.StateReasonData
		doc.Alarm.StateUpdatedTimestamp, doc.Alarm.StateTransitionedTimestamp = o.StateUpdatedTimestamp, o.StateTransitionedTimestamp
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep alarm %s: %w", name, err)
	}
	what, kind := "updated", "Update"
	if created {
		what, kind = "created", "Create"
	}
	m.note(ctx, doc, types.HistoryItemTypeConfigurationUpdate, fmt.Sprintf("Alarm %q %s", name, what), configurationChange(kind, &doc.Alarm))
	return nil
}

// SetState puts an alarm into a state until it is looked at again.
func (m *Manager) SetState(ctx context.Context, scope catalog.Scope, name string, state types.StateValue, reason, data string) error {
	return m.change(ctx, key(scope, name), verdict{state, reason, data})
}

// Get returns an alarm.
func (m *Manager) Get(scope catalog.Scope, name string) (Alarm, bool) {
	return m.alarms.Get(key(scope, name))
}

// List returns the alarms of an account in a region by name.
func (m *Manager) List(scope catalog.Scope) []Alarm {
	var all []Alarm
	for _, a := range m.alarms.Scan(scope.Account+"."+scope.Region+".", "") {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Alarm) int {
		return strings.Compare(aws.ToString(a.Alarm.AlarmName), aws.ToString(b.Alarm.AlarmName))
	})
	return all
}

// Edit changes an alarm that there is: its tags, or whether it acts.
func (m *Manager) Edit(ctx context.Context, scope catalog.Scope, name string, change func(*Alarm)) error {
	_, err := m.alarms.Update(ctx, key(scope, name), func(doc *Alarm, exists bool) error {
		if !exists {
			return ErrMissing
		}
		change(doc)
		return nil
	})
	return err
}

// Delete removes an alarm. Its history stays for a while.
func (m *Manager) Delete(ctx context.Context, scope catalog.Scope, name string) error {
	a, ok := m.Get(scope, name)
	if !ok {
		return ErrMissing
	}
	if err := m.alarms.Delete(ctx, key(scope, name)); err != nil {
		return err
	}
	m.note(ctx, a, types.HistoryItemTypeConfigurationUpdate, fmt.Sprintf("Alarm %q deleted", name), configurationChange("Delete", &a.Alarm))
	return nil
}
