// Package profiles reads the pprof profiles of a run's processes and says where
// the time went.
//
// A rule file sorts every sample into one category: user code, encode, decode,
// allocate and so on. The categories add up to the whole, so a design's cost can
// be told in one bar and two designs compared part by part; [Summary] holds that,
// with the costliest functions and a call tree for a flame graph.
//
// The package only reads: package local captures, and package bench decides what
// is captured when.
package profiles
