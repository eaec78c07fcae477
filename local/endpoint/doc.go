// Package endpoint serves HTTP at an address that a user gives: profiles and
// metrics of a run. Who names no host is served on loopback only, and what a
// web page asks of it in disguise of another host is refused.
//
// [Serve] starts a [Server] and [Server.Close] stops it. Its goroutines have
// ended then. Requests and connections are bounded by [Limits].
package endpoint
