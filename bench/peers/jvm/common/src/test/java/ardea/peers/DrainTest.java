package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ardea.peers.Drain.State;
import org.junit.jupiter.api.Test;

/** When a drain is over. */
class DrainTest {
  private static final long WORDS = 100;

  private static Drain drain(String guarantee, boolean exact) {
    Job job = new Job();
    job.guarantee = guarantee;
    job.exact = exact;
    return new Drain(job, 0);
  }

  private static State look(Drain drain, double seconds, int ended, long counted) {
    Snapshot s = new Snapshot();
    s.t = (long) (seconds * Drain.SECOND);
    s.words = WORDS;
    s.ended = ended;
    s.counted = counted;
    return drain.look(s);
  }

  @Test
  void allIsCounted() {
    Drain drain = drain("none", true);
    assertEquals(State.WAITING, look(drain, 1, 0, WORDS)); // the source may go on
    assertEquals(State.COUNTED, look(drain, 2, 1, WORDS));
  }

  @Test
  void wordsThatMayBeLostAreAwaitedForAWhile() {
    Drain drain = drain("none", false);
    assertEquals(State.WAITING, look(drain, 10, 0, 90)); // the source has not ended
    assertEquals(State.WAITING, look(drain, 11, 1, 90));
    assertEquals(State.WAITING, look(drain, 14.9, 1, 91)); // one more
    assertEquals(State.WAITING, look(drain, 19.8, 1, 91));
    assertEquals(State.LOST, look(drain, 20, 1, 91));
  }

  @Test
  void whereNoneMayBeLostTheyAreAwaitedToTheEnd() {
    for (Drain drain : new Drain[] {drain("none", true), drain("at-least-once", false)}) {
      assertEquals(State.WAITING, look(drain, 1, 1, 90));
      assertEquals(State.WAITING, look(drain, Drain.SECONDS, 1, 90));
      assertEquals(State.LATE, look(drain, Drain.SECONDS + 1, 1, 90));
    }
  }

  @Test
  void aTaskThatHasGoneIsNoLoss() {
    Drain drain = drain("none", false);
    assertEquals(State.WAITING, look(drain, 1, 1, 90));
    assertEquals(State.WAITING, look(drain, 2, 1, 40));
    assertEquals(State.WAITING, look(drain, 30, 1, 40));
    assertEquals(State.LATE, look(drain, Drain.SECONDS + 1, 1, 40));
  }
}
