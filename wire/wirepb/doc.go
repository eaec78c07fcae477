// Package wirepb is the generated protobuf code for Ardea's bytes: what any
// other language would use to read and write them. The data plane's fast path
// does not use it; see package wire.
package wirepb
