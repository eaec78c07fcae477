package ardea.peers;

/** The draws of one source: SplitMix64, a place in a list of n texts each. */
public final class Draws {
  private final long first;
  private final long n;
  private long state;

  /**
   * @param seed of the lists and draws
   * @param source the source's index, from 0
   * @param n how many texts there are, below 2^31
   */
  public Draws(long seed, int source, int n) {
    first = Numbers.mix(seed + source);
    state = first;
    this.n = n;
  }

  /** Returns the place of the next draw. */
  public int next() {
    state += Numbers.GAMMA;
    return place(state);
  }

  /** Returns the place of draw k, from 0, without moving: for a draw that must be sent again. */
  public int at(long k) {
    return place(first + (k + 1) * Numbers.GAMMA);
  }

  /** Goes on after the first k draws: for a source that was restored. */
  public void seek(long k) {
    state = first + k * Numbers.GAMMA;
  }

  private int place(long z) {
    long x = Numbers.scramble(z);
    return (int) (Math.multiplyHigh(x, n) + ((x >> 63) & n));
  }
}
