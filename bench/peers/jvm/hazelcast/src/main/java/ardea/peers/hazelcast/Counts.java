package ardea.peers.hazelcast;

import ardea.peers.CounterProbe;
import ardea.peers.Job;
import ardea.peers.Probe;
import ardea.peers.Tally;
import com.hazelcast.jet.accumulator.LongAccumulator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The counts of this process. A stateful map has no hook at the end of a stream, so each state is also known here, to be read
 * when nothing more will come.
 */
final class Counts {
  private static final Map<String, LongAccumulator> ALL = new ConcurrentHashMap<>();
  private static final ThreadLocal<CounterProbe> PROBE = new ThreadLocal<>();

  private Counts() {}

  /** Says that the count of a word was raised. */
  static void raised(Job job, String word, LongAccumulator count) {
    know(word, count);
    probe(job).counted();
  }

  /** Says the same of a word that was intended at an instant. */
  static void raised(Job job, String word, LongAccumulator count, long intended) {
    know(word, count);
    probe(job).counted(intended);
  }

  private static void know(String word, LongAccumulator count) {
    if (count.get() == 1) {
      ALL.put(word, count);
    }
  }

  private static CounterProbe probe(Job job) {
    CounterProbe probe = PROBE.get();
    if (probe == null) {
      probe = Probe.of(job).counter();
      PROBE.set(probe);
    }
    return probe;
  }

  /** Gives the counts of this process to its probe. */
  static void report(Job job) {
    Tally tally = new Tally(job);
    ALL.forEach((word, count) -> tally.add(word, count.get()));
    Probe.of(job).result(tally);
  }
}
