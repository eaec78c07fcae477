package ardea.peers;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/** All that the tasks of a process, or of all, have to say at the end. */
final class Report implements Serializable {
  /** What one source has drawn. */
  record Source(int index, long draws, long replayed) implements Serializable {}

  final List<Source> sources = new ArrayList<>();
  final List<Tally> tallies = new ArrayList<>();
  final Histogram latency = Latency.histogram();
  final Histogram pacer = Latency.histogram();

  void add(SourceProbe s) {
    sources.add(new Source(s.index, s.draws.get(), s.replayed.get()));
    pacer.add(s.pacer);
  }

  void add(CounterProbe c) {
    latency.add(c.latency);
  }

  void add(Report other) {
    sources.addAll(other.sources);
    tallies.addAll(other.tallies);
    latency.add(other.latency);
    pacer.add(other.pacer);
  }
}
