package ardea.peers;

import java.io.Serializable;

/** How far the tasks of a process, or of all, have come at an instant. */
final class Snapshot implements Serializable {
  long t;
  long emitted; // draws
  long words; // words in them
  long counted;
  long first = Probe.NEVER; // instant of the first counted word
  int sources;
  int ended; // sources that have emitted all that they will
  int tallies;

  void add(Snapshot other) {
    emitted += other.emitted;
    words += other.words;
    counted += other.counted;
    first = Math.min(first, other.first);
    sources += other.sources;
    ended += other.ended;
    tallies += other.tallies;
  }
}
