package ardea.peers;

import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;

/** What one source has done. Written by its thread only. */
public final class SourceProbe {
  final int index;
  final AtomicLong draws = new AtomicLong();
  final AtomicLong words = new AtomicLong();
  final AtomicLong replayed = new AtomicLong();
  final Histogram pacer = Latency.histogram();
  volatile boolean ended;

  private final Probe probe;

  SourceProbe(Probe probe, int index) {
    this.probe = probe;
    this.index = index;
  }

  boolean stopped() {
    return probe.stopped();
  }

  void drawn(long draws, long words) {
    this.draws.setOpaque(draws);
    this.words.setOpaque(words);
  }

  void late(long intended, long now) {
    if (intended >= probe.begin && intended < probe.end) {
      Latency.record(pacer, now - intended);
    }
  }

  /** Says that a draw was sent again. */
  public void replayed() {
    replayed.setOpaque(replayed.getPlain() + 1);
  }
}
