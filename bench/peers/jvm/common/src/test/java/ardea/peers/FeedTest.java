package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Draws through a feed. */
class FeedTest {
  private final Job job = new Job();

  private Feed feed(int index) {
    return new Feed(job, index, new Probe().source(index));
  }

  @Test
  void endsAfterItsDraws() {
    job.draws = 2;
    Feed feed = feed(0);
    assertTrue(feed.next());
    assertEquals(64433, feed.place());
    assertFalse(feed.ended());
    assertTrue(feed.next());
    assertEquals(165123, feed.place());
    assertFalse(feed.next());
    assertTrue(feed.ended());
  }

  @Test
  void endsWhenToldTo() {
    Probe probe = new Probe();
    Feed feed = new Feed(job, 0, probe.source(0));
    assertTrue(feed.next());
    probe.stop();
    assertFalse(feed.next());
    assertTrue(feed.ended());
    assertEquals(1, probe.snapshot().ended);
    assertEquals(1, probe.snapshot().emitted);
  }

  @Test
  void goesOnWhereItWas() {
    Feed feed = feed(0);
    feed.seek(1);
    assertTrue(feed.next());
    assertEquals(165123, feed.place());
    assertEquals(2, feed.drawn());
  }

  @Test
  void countsTheWordsOfSentences() {
    job.workload = "sentences";
    Probe probe = new Probe();
    Feed feed = new Feed(job, 0, probe.source(0));
    long words = 0;
    for (int i = 0; i < 100; i++) {
      assertTrue(feed.next());
      words += feed.text().split(" ").length;
    }
    assertEquals(words, probe.snapshot().words);
    Feed restored = new Feed(job, 0, probe.source(0));
    restored.seek(100);
    assertEquals(words, probe.snapshot().words);
  }

  @Test
  void intendsDrawsAtEvenDistances() {
    job.rate = 1000;
    job.parallelism = 2;
    Feed feed = feed(0);
    assertTrue(feed.next());
    assertEquals(10_000_000, feed.intendedOf(5) - feed.intended());
    job.rate = 3;
    Feed uneven = feed(0);
    assertTrue(uneven.next());
    assertEquals(2_000_000_000_000L, uneven.intendedOf(3000) - uneven.intended());
    assertEquals(666_666_666, uneven.intendedOf(1) - uneven.intended());
  }
}
