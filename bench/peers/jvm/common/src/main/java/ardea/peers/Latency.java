package ardea.peers;

import com.google.gson.JsonArray;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/** Histograms of nanoseconds. */
final class Latency {
  private static final long LONGEST = 60_000_000_000L;

  private Latency() {}

  static Histogram histogram() {
    return new Histogram(1, LONGEST, 3);
  }

  static void record(Histogram h, long nanoseconds) {
    h.recordValue(Math.max(1, Math.min(nanoseconds, LONGEST)));
  }

  /** Returns pairs of a value and how often it was seen. */
  static JsonArray pairs(Histogram h) {
    JsonArray pairs = new JsonArray();
    for (HistogramIterationValue v : h.recordedValues()) {
      JsonArray pair = new JsonArray();
      pair.add(h.highestEquivalentValue(v.getValueIteratedTo()));
      pair.add(v.getCountAtValueIteratedTo());
      pairs.add(pair);
    }
    return pairs;
  }
}
