// Package codec compresses the bodies of batches, and walks over the records in them.
//
// A body is the protobuf encoding of
//
//	message Batch { repeated bytes records = 1; }
//
// that is, for each record the byte 0x0a, its length as a varint, and its bytes: what the body of a data frame is too.
//
// Decode trusts nothing that its input says: no input makes it write or allocate more than the limit it is given, apart
// from the tables of its decoder.
package codec
