//go:build race

package e2e

// raceEnabled says that everything is about ten times slower.
const raceEnabled = true
