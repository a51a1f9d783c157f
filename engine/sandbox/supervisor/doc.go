// Command supervisor is the first process of every execution environment.
//
// It connects to the engine, is told what to run, starts the runtime and serves
// AWS's Runtime API (2018-06-01) to it on loopback. It forwards what the runtime
// prints, freezes it between invocations, kills it at the deadline and tells the
// engine how each invocation ended. AWS calls of the function arrive on a second
// loopback port and are carried to the engine, so that an environment needs no
// network of its own.
//
// Extensions have the Extensions API (2020-01-01), the Telemetry API (2022-07-01)
// and the Logs API (2020-08-15) at the address of the Runtime API. Every file in the
// assignment's directory of extensions is started before the runtime; programs that
// register from inside the runtime are internal extensions. With any, what is one
// step without them is a phase that everybody has to end:
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
//	main.go           connect, take the assignment, run, end
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
//	process.go        start, signal and reap programs and all they started
//	output.go         lines of stdout and stderr
//	frame.go          messages in it that interface clients frame
//	quick.go          writes that do not disturb the scheduler
//	memory.go         peak memory and out-of-memory kills
//	endpoint.go       AWS_ENDPOINT_URL
//	dial.go           connections to the engine
//
// It runs as an ordinary user without capabilities; in a container it is PID 1.
// When the engine goes away, its connection closes, and the supervisor ends
// together with everything it started.
package main
