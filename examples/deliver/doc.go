// Package deliver copies the lines of a file that contain a text to another
// file, at least once each, whatever dies meanwhile: lines to grep (shuffle), and
// what matches to one sink (global).
//
// It shows delivery at least once. The spout is a topology.Replayer whose ids are
// offsets in the file, so that a line can be read again by its id. grep is a
// plain bolt: what it emits is anchored to the line it is executing, which is
// acked when Execute returns. The sink acks itself: it collects lines, writes them
// by one system call, and only then acks them.
//
// A line of the output is the offset that it had, a tab, and the line, so that
// lines which were delivered twice are found, as in sort -u. A sink that died may
// have left half a line; the next one cuts it off.
package deliver
