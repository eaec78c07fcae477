package ardea.peers;

/** The arithmetic that every adapter shares, on unsigned 64-bit numbers. */
public final class Numbers {
  static final long GAMMA = 0x9e3779b97f4a7c15L;

  private Numbers() {}

  /** Returns the upper half of the 128-bit product of two unsigned numbers. */
  static long mulhi(long a, long b) {
    return Math.multiplyHigh(a, b) + ((a >> 63) & b) + ((b >> 63) & a);
  }

  /** Returns SplitMix64's scrambling of z. */
  public static long scramble(long z) {
    z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
    z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
    return z ^ z >>> 31;
  }

  /** Returns a hash of a word's place in its list. */
  public static long mix(long i) {
    return scramble(i + GAMMA);
  }

  /** Writes a checksum as 16 hexadecimal digits. */
  static String hex(long sum) {
    return String.format("%016x", sum);
  }
}
