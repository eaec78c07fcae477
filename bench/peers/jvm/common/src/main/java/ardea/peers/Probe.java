package ardea.peers;

import java.util.ArrayList;
import java.util.List;

/**
 * What the tasks of one process tell the adapter, and what it tells them. There is one for a process; {@link #of}
 * connects it to the adapter if that is another process.
 */
public final class Probe {
  static final long NEVER = Long.MAX_VALUE;

  private static Probe current;

  // Latencies of tuples intended in [begin, end) are recorded.
  volatile long begin = NEVER;
  volatile long end = NEVER;
  private volatile boolean stopped;
  private volatile boolean finishing;
  private final List<SourceProbe> sources = new ArrayList<>();
  private final List<CounterProbe> counters = new ArrayList<>();
  private final List<Tally> tallies = new ArrayList<>();
  private final List<Runnable> finishers = new ArrayList<>();

  /** Returns the probe of this process. */
  public static synchronized Probe of(Job job) {
    if (current == null) {
      current = new Probe();
      Agent.start(current, job.controlPort);
    }
    return current;
  }

  /** Makes the probe of the adapter's own process. */
  static synchronized Probe local() {
    current = new Probe();
    return current;
  }

  /** Adds a source. Its index is from 0, over all processes. */
  public synchronized SourceProbe source(int index) {
    SourceProbe source = new SourceProbe(this, index);
    sources.removeIf(s -> s.index == index); // restarted by its system
    sources.add(source);
    return source;
  }

  /** Adds a counting task. */
  public synchronized CounterProbe counter() {
    CounterProbe counter = new CounterProbe(this);
    counters.add(counter);
    return counter;
  }

  /** Takes the final counts of one task. */
  public synchronized void result(Tally tally) {
    tallies.add(tally);
  }

  /** Whether sources are to end. */
  public boolean stopped() {
    return stopped;
  }

  /** Whether counting tasks that see no end of their input are to report: nothing more will come. */
  public boolean finishing() {
    return finishing;
  }

  /** Returns how many words of the sources in this process are not counted yet by its counting tasks. */
  public long lag() {
    Snapshot s = snapshot();
    return s.words - s.counted;
  }

  void stop() {
    stopped = true;
  }

  void finish() {
    finishing = true;
    List<Runnable> all;
    synchronized (this) {
      all = List.copyOf(finishers);
    }
    all.forEach(Runnable::run);
  }

  /** Has something run when nothing more will come, in a thread of the probe. */
  public synchronized void onFinish(Runnable finisher) {
    finishers.add(finisher);
  }

  void begin(long t) {
    begin = t;
  }

  void end(long t) {
    end = t;
  }

  synchronized Snapshot snapshot() {
    Snapshot s = new Snapshot();
    s.t = System.nanoTime();
    for (SourceProbe source : sources) {
      s.emitted += source.draws.getOpaque();
      s.words += source.words.getOpaque();
      s.sources++;
      s.ended += source.ended ? 1 : 0;
    }
    for (CounterProbe counter : counters) {
      s.counted += counter.counted.getOpaque();
      s.first = Math.min(s.first, counter.first);
    }
    s.tallies = tallies.size();
    return s;
  }

  synchronized Report report() {
    Report report = new Report();
    sources.forEach(report::add);
    counters.forEach(report::add);
    report.tallies.addAll(tallies);
    return report;
  }
}
