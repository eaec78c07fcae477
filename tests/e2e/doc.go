// Package e2e tests whole topologies: real spouts and bolts, real sockets, and
// mostly real processes, which are this test program re-executed. A run is
// compared with what must come out of it, never with another run.
//
//	go test ./tests/e2e                             everything, small
//	go test ./tests/e2e -run TestDAG -runs 500      more random topologies
//	go test ./tests/e2e -run TestDAG -seed 17       one of them again
package e2e
