// Package matrices holds the matrices of the project, so that the binary can run
// them wherever it is: smoke touches everything in a few seconds, quick is that
// of the demo, full that of make bench. Package matrix reads them.
//
// All functions may be called at the same time.
package matrices
