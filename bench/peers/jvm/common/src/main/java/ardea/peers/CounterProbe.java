package ardea.peers;

import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;

/** What one counting task has done. Written by its thread only. */
public final class CounterProbe {
  final AtomicLong counted = new AtomicLong();
  final Histogram latency = Latency.histogram();
  volatile long first = Probe.NEVER;

  private final Probe probe;

  CounterProbe(Probe probe) {
    this.probe = probe;
  }

  /** Says that a word was counted. */
  public void counted() {
    long n = counted.getPlain();
    if (n == 0) {
      first = System.nanoTime();
    }
    counted.setOpaque(n + 1);
  }

  /** Says that a word was counted whose tuple was intended at an instant. */
  public void counted(long intended) {
    if (intended >= probe.begin && intended < probe.end) {
      Latency.record(latency, System.nanoTime() - intended);
    }
    counted();
  }
}
