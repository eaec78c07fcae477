package ardea.peers;

/** Decides when a drain is over: all is counted, the rest is lost where it may be, or it takes too long. */
final class Drain {
  enum State { WAITING, COUNTED, LOST, LATE }

  static final long SECOND = 1_000_000_000L;
  static final long SECONDS = 60;
  static final long LOST_SECONDS = 5;

  private final int sources;
  private final boolean mayLose;
  private final long deadline;
  private long counted = -1;
  private long most;
  private long since;

  /**
   * @param job what runs: words may be lost where it has no guarantee and its row does not say that counts are exact
   * @param now the instant at which it begins
   */
  Drain(Job job, long now) {
    sources = job.parallelism;
    mayLose = job.guarantee.equals("none") && !job.exact;
    deadline = now + SECONDS * SECOND;
  }

  /** Looks at how far all have come. */
  State look(Snapshot s) {
    boolean ended = s.ended == sources;
    if (ended && s.counted >= s.words) {
      return State.COUNTED;
    }
    if (s.counted != counted || !ended) {
      counted = s.counted;
      since = s.t;
    }
    most = Math.max(most, s.counted);
    // Less than there was: a counting task has gone with all its counts. That is no loss under way.
    boolean whole = s.counted == most;
    if (mayLose && whole && s.t - since > LOST_SECONDS * SECOND) {
      return State.LOST;
    }
    return s.t > deadline ? State.LATE : State.WAITING;
  }
}
