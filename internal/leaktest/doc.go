// Package leaktest fails a test that leaves goroutines behind.
//
// Check is the first line of every test that starts goroutines, itself or through what it calls:
//
//	func TestServer(t *testing.T) {
//		leaktest.Check(t)
//		...
//	}
//
// It compares the goroutines at the test's end with those at the time of the call, so it does not suit tests that run
// in parallel with others. Being first, it runs after all other cleanups of the test.
package leaktest
