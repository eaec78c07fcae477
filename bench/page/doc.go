// Package page turns what package bench has measured into something to read:
//
//   - [WriteHTML] writes one self-contained page with charts and flame graphs.
//   - [WriteMarkdown] writes the same facts as Markdown, without pictures.
//   - [WriteBenchmark] writes the runs as Go benchmark text, which benchstat reads.
//   - [Read] reads a suite or the report of a single measurement from its JSON.
//   - [Compare] says how two suites differ, as text and as a page of its own.
//   - [Explain] ranks what the next nanoseconds would buy.
//
// # Truth
//
// What was not measured is left out; no place is held for it. A mode is called
// faster or slower only where bench says so, that is, where the intervals do not
// overlap. The section "Where we lose" follows from the same figures by rules,
// and nobody can leave it out.
//
// # Safety
//
// A suite may come from anywhere. Its strings never become markup or script, its
// numbers are brought into a sensible range first, and its trees are cut to a
// depth and size that a browser bears. The page loads nothing from anywhere.
//
// # Threads
//
// All functions may be called at the same time. They do not change what they are given.
package page
