// Command supervisor is the first process of every execution environment.
//
// It connects to the engine, is told what to run, starts the runtime and serves
// AWS's Runtime API (2018-06-01) to it on loopback. It forwards what the runtime
// prints, freezes it between invocations, kills it at the deadline and tells the
// engine how each invocation ended. AWS calls of the function arrive on a second
// loopback port and are carried to the engine, so that an environment needs no
// network of its own.
//
//	main.go       connect, take the assignment, run, end
//	lifecycle.go  the states of the runtime: who may do what when
//	api.go        the Runtime API over HTTP
//	process.go    start, signal and reap the runtime and all it started
//	output.go     lines of stdout and stderr
//	memory.go     peak memory and out-of-memory kills
//	endpoint.go   AWS_ENDPOINT_URL
//	dial.go       connections to the engine
//
// It runs as an ordinary user without capabilities; in a container it is PID 1.
// When the engine goes away, its connection closes, and the supervisor ends
// together with everything it started.
package main
