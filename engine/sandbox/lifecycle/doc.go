// Package lifecycle is the life of one execution environment: its init, its
// invocations, freezing, extensions, and its end.
//
// A Life has programs started on its Host, serves AWS's Runtime API (2018-06-01) to
// them, gives them events, reads what they print, freezes them between invocations,
// kills them at a deadline and tells the Engine how each invocation has ended. It runs in
// the engine where that can have the environment's sockets and pipes (package session),
// and in the environment's supervisor elsewhere.
//
// Extensions have the Extensions API (2020-01-01), the Telemetry API (2022-07-01)
// and the Logs API (2020-08-15) at the address of the Runtime API. The programs of
// the list are started before the runtime; programs that register from inside the
// runtime are internal extensions. With any, what is one step without them is a phase
// that everybody has to end:
//
//	init      ends when the runtime and all extensions have asked for an event
//	invoke    the engine has the answer as soon as the runtime gives it, but the
//	          environment takes no other event, and does not freeze, until all
//	          have asked for the next one; the deadline is everybody's
//	shutdown  SIGTERM and 300 ms for the runtime, then SHUTDOWN for the extensions,
//	          two seconds in all
//
// Without extensions nothing of this is there: no goroutine, no lock, no event.
//
//	host.go           who starts programs, and who is told
//	lifecycle.go      the states of the runtime: who may do what when
//	api.go            the Runtime API over HTTP
//	extensions.go     the states of extensions
//	launch.go         the start of the runtime and of extensions
//	phases.go         the init and the invocations that they share with the runtime
//	shutdown.go       the end, for which extensions have time
//	extension_api.go  the Extensions API over HTTP
//	telemetry.go      events, and how the two APIs show them
//	subscription.go   who wants which events, and where
//	subscriber.go     bounded buffers and deliveries
//	http.go           as much of HTTP as that takes
//	output.go         lines of stdout and stderr
//	frame.go          messages in it that interface clients frame
//	quick.go          writes that do not disturb the scheduler
//	memory.go         peak memory and out-of-memory kills
package lifecycle
