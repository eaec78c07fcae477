// Package atomicfile makes files that are complete or not there.
package atomicfile
