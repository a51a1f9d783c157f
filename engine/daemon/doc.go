// Package daemon finds, starts and stops the engine's process.
//
// [Ensure] is what the provider and "engine start -d" call: it returns the
// health of an engine that answers, after starting one if none does. Two calls
// at once, from any two processes, start one engine: the launch happens under a
// lock on a file in the data directory. The process outlives its parent, which
// is a plugin that Terraform ends after every command: it has its own session,
// holds none of its parent's file descriptors, and sees only those environment
// variables that it needs.
//
// The engine itself calls [WriteIdentity] once it listens; [Stop] and "engine
// status" find it by that file. A file left by an engine that died is harmless:
// what counts is what answers.
package daemon
