// Command protogen generates the Go code of the repository's protobuf schemas without a protoc binary.
//
// It compiles every .proto file of the given directories with protocompile and hands the descriptors to the same
// generator that protoc-gen-go runs, so a fresh clone needs nothing but Go:
//
//	protogen -root .. wire/wirepb           # writes wire/wirepb/*.pb.go
//	protogen -root .. -check wire/wirepb    # writes nothing, fails when a file on disk differs
//
// The generator's version is the one that tools/go.mod pins.
package main
