// Package contract holds what the driver of ardea bench peers and its adapters say to each other, as
// bench/peers/README.md describes it: JSON lines on the adapter's standard output, words on its standard input.
package contract
