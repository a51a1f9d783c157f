// Command supervisor is the first process of every execution environment.
//
// It connects to the engine and starts, signals and reaps what the environment runs. The
// engine either borrows from it the sockets, pipes and files that it needs to run the
// environment's lifecycle itself, or, where it cannot, has the supervisor run that and
// carry to it the AWS calls that the function makes on loopback. Either way an
// environment needs no network of its own.
//
//	main.go      connect, learn what to do, end
//	lend.go      be the hands of a lifecycle in the engine
//	host.go      have the lifecycle here, and tell the engine
//	endpoint.go  AWS_ENDPOINT_URL, with the lifecycle here
//	dial.go      connections to the engine
//
// It runs as an ordinary user without capabilities; in a container it is PID 1.
// When the engine goes away, its connection closes, and the supervisor ends
// together with everything it started.
package main
