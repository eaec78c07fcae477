// Package words makes the words that all peers count: the lists and the draws of bench/peers/README.md, to the bit.
package words
