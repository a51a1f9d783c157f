// Package packaging turns a directory into the archive that Lambda runs, and
// says before anything is uploaded whether the handler can be found in it.
//
// The archive is deterministic: the same files give the same bytes on every
// machine, whatever their order on disk, their times, owners or umask. Lambda
// reports the SHA-256 of the archive as CodeSha256, so a plan can tell from the
// directory alone whether a deployment will change anything.
//
// Start at [Directory]; [CheckHandler] reads a directory and a finished archive
// alike, as both are an [io/fs.FS].
package packaging
