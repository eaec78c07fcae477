package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Probes of other processes, here of the same. */
class ProbesTest {
  @Test
  @Timeout(60)
  void sumsUpAndTellsLateComers() throws IOException, InterruptedException {
    try (Probes probes = new Probes()) {
      probes.tell(Request.Kind.BEGIN, 100);
      Probe far = new Probe();
      far.source(3).drawn(5, 32);
      CounterProbe counter = far.counter();
      counter.counted(100); // it does not know of the beginning yet
      Agent.start(far, probes.port());
      while (probes.snapshot().sources == 0) {
        Thread.onSpinWait(); // until it is connected
      }
      Snapshot s = probes.snapshot();
      assertEquals(5, s.emitted);
      assertEquals(32, s.words);
      assertEquals(1, s.counted);
      assertEquals(100, far.begin);
      counter.counted(100);
      counter.counted(99); // intended before the beginning
      assertEquals(1, probes.report().latency.getTotalCount());
      probes.tell(Request.Kind.STOP, 0);
      assertTrue(far.stopped());
    }
  }
}
