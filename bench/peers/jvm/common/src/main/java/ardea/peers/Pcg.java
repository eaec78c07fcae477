package ardea.peers;

/** The generator PCG-DXSM, from which the lists of words are made. */
final class Pcg {
  private static final long FACTOR_HIGH = 2549297995355413924L;
  private static final long FACTOR_LOW = 4865540595714422341L;
  private static final long INCREMENT_HIGH = 6364136223846793005L;
  private static final long INCREMENT_LOW = 1442695040888963407L;
  private static final long CHEAP_FACTOR = 0xda942042e4dd58b5L;

  private long high;
  private long low;

  Pcg(long seed) {
    high = seed;
  }

  long next() {
    long h = Numbers.mulhi(low, FACTOR_LOW) + high * FACTOR_LOW + low * FACTOR_HIGH;
    long l = low * FACTOR_LOW;
    low = l + INCREMENT_LOW;
    high = h + INCREMENT_HIGH + (Long.compareUnsigned(low, INCREMENT_LOW) < 0 ? 1 : 0);
    long z = high;
    z ^= z >>> 32;
    z *= CHEAP_FACTOR;
    z ^= z >>> 48;
    return z * (low | 1);
  }

  /** Returns a number below n, each as likely. */
  int below(int n) {
    long x = next();
    if (Long.compareUnsigned(x * n, n) < 0) {
      long limit = Long.remainderUnsigned(-(long) n, n);
      while (Long.compareUnsigned(x * n, limit) < 0) {
        x = next();
      }
    }
    return (int) Numbers.mulhi(x, n);
  }
}
