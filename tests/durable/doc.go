// Package durable tests durable streams with real processes: what is in the logs after a run, and what is there when
// stream managers and tasks are killed.
package durable
