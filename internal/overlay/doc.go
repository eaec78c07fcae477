// Package overlay builds programs with other source files than those in the tree, for tests that plant bugs.
package overlay
