// Package programs starts, signals and reaps the programs of an execution
// environment: the runtime, the extensions, and whatever they start.
//
// A Family is those of one supervisor. A Process may also stand for one that another
// process has started and tells about: package session has such ones.
package programs
