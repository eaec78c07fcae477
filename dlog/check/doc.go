// Package check looks at a store that nobody has open, and says what each byte of its files is: sound, left over from a
// crash or an earlier use, or damaged. It repairs nothing and writes nothing, not even into the lock that it holds
// meanwhile, so that it works on a store that may only be read.
//
// [Store] is all of it. It believes no file: each is explained by its own checksums, and then all are compared: the
// segment files and the journal with what the database says must be in them, the database with what it notes of itself.
// Something is damaged when it was durable and is not what it was. What a crash leaves, a torn tail or bytes behind the
// durable end of a file, is left over: the next Open cuts it off or passes over it.
package check
