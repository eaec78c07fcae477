package ardea.peers;

import java.util.concurrent.locks.LockSupport;

/** What one source emits: the draws of the workload, as fast as it is asked or open loop. For one thread. */
public final class Feed {
  private static final long LONGEST_PAUSE = 100_000; // nanoseconds

  private final SourceProbe probe;
  private final Draws draws;
  private final Words words;
  private final String[] texts;
  private final boolean sentences;
  private final long limit;
  private final long rate;
  private final int sources;
  private final int index;
  private long start;
  private long drawn;
  private long wordsDrawn;
  private int place;
  private long intended;

  /**
   * @param job what to run
   * @param index of the source, from 0
   */
  public Feed(Job job, int index) {
    this(job, index, Probe.of(job).source(index));
  }

  Feed(Job job, int index, SourceProbe probe) {
    this.probe = probe;
    this.index = index;
    words = job.words();
    texts = words.texts();
    sentences = Words.areSentences(job.workload);
    draws = new Draws(job.seed, index, texts.length);
    limit = job.draws > 0 ? job.draws : Long.MAX_VALUE;
    rate = job.rate;
    sources = job.parallelism;
  }

  /** Draws. False: nothing is due yet, or {@link #ended}. */
  public boolean next() {
    if (probe.stopped() || drawn == limit) {
      return false;
    }
    if (rate > 0 && !due()) {
      return false;
    }
    place = draws.next();
    drawn++;
    wordsDrawn += sentences ? words.wordsIn(place) : 1;
    probe.drawn(drawn, wordsDrawn);
    return true;
  }

  private boolean due() {
    long now = System.nanoTime();
    if (start == 0) {
      start = now;
    }
    intended = intendedAt(drawn);
    if (now < intended) {
      return false;
    }
    probe.late(intended, now);
    return true;
  }

  private long intendedAt(long k) {
    long i = k * sources + index;
    return start + i / rate * 1_000_000_000L + i % rate * 1_000_000_000L / rate;
  }

  /** Whether all was emitted. Says so to the adapter. */
  public boolean ended() {
    boolean ended = probe.stopped() || drawn == limit;
    if (ended) {
      probe.ended = true;
    }
    return ended;
  }

  /** Waits until a draw may be due, at most 0.1 ms. */
  public void pause() {
    if (rate > 0 && start != 0) {
      long wait = Math.min(LONGEST_PAUSE, intendedAt(drawn) - System.nanoTime());
      if (wait > 0) {
        LockSupport.parkNanos(wait);
      }
    }
  }

  /** Returns the text drawn last: a word or a sentence. */
  public String text() {
    return texts[place];
  }

  /** Returns the instant at which it was to be emitted, 0 without a rate. */
  public long intended() {
    return intended;
  }

  /** Returns the number of draws so far. The last has the number of this less 1. */
  public long drawn() {
    return drawn;
  }

  /** Returns the text of draw k again, which is to be sent again. */
  public String again(long k) {
    probe.replayed();
    return texts[draws.at(k)];
  }

  /** Returns the instant at which draw k was to be emitted, 0 without a rate. */
  public long intendedOf(long k) {
    return rate > 0 ? intendedAt(k) : 0;
  }

  /** Goes on after the first k draws: for a source that was restored. */
  public void seek(long k) {
    draws.seek(k);
    drawn = k;
    wordsDrawn = 0;
    for (long i = 0; sentences && i < k; i++) {
      wordsDrawn += words.wordsIn(draws.at(i));
    }
    wordsDrawn = sentences ? wordsDrawn : k;
    probe.drawn(drawn, wordsDrawn);
  }

  int place() {
    return place;
  }
}
